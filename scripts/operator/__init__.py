"""The operators' command, `scripts/store`: what the person on call runs. One package a command; see `registry.py`."""
