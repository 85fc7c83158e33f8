"""KV namespaces and their values."""
