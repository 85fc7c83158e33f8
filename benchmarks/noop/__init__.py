"""A program and a provider that do nothing: what the engine and the SDKs cost by themselves."""
