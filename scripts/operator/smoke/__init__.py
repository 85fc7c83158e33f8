"""`scripts/store smoke`: a customer's path through the load balancer, each step timed."""
