"""Zero Trust: who may pass before which host names."""
