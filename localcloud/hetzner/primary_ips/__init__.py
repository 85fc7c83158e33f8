"""Primary IPs: requests (models), answers (responses) and routes."""
