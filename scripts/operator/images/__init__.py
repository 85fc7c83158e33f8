"""`scripts/store images`: the shop's pictures in Cloudflare Images."""
