"""The OpticWorks Store as Pulumi components, and the settings they are built from."""
