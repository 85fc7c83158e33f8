"""The machines behind the embedded Hetzner Cloud."""
