"""`scripts/store smoke`: a customer's path through the edge, each step timed."""
