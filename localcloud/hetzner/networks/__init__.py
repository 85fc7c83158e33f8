"""Private networks: requests (models), answers (responses) and routes."""
