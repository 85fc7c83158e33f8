"""`scripts/store status`: what runs, on what, and why not, as the load balancer sees it."""
