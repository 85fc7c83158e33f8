"""Installs what the repository needs: the Pulumi CLI, its Python language host and provider plugins."""
