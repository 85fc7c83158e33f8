"""SSH keys: requests (models), answers (responses) and routes."""
