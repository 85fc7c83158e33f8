"""What the clouds share: faults, and the journal of requests."""
