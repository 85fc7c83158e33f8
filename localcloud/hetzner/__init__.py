"""The Hetzner Cloud API, version 1, with its state in SQLite and machines behind it."""
