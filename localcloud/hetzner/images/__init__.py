"""Images: requests (models), answers (responses) and routes."""
