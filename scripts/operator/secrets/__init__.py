"""`scripts/store secrets`: which secrets a stack has, making those that can be made, setting those that cannot."""
