"""Images and their variants."""
