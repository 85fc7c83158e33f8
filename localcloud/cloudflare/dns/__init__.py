"""DNS records."""
