"""Workers: scripts, versions, deployments, and where they answer."""
