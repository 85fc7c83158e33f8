"""Health checks of origins."""
