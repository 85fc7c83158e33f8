"""What a Medusa instance becomes: node proxy, readiness service, units, and the commands that install and drain."""
