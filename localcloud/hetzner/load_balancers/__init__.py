"""Load balancers: requests (models), answers (responses) and routes."""
