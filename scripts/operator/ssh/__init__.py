"""`scripts/store ssh`: a shell or a command on a server, with the host key that the stack itself made."""
