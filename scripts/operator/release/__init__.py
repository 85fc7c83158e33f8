"""Builds release archives: a Medusa application with everything it needs to run, the same bytes on every instance."""
