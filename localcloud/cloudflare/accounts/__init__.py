"""The account, its user and its tokens."""
