"""What every plugin shares: property values, differences, and the provider protocol's server."""
