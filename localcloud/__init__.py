"""An embedded cloud: Hetzner Cloud and Cloudflare on one machine, by their public APIs."""
