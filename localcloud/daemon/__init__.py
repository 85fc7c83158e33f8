"""The process that keeps the embedded cloud: its home, starting and stopping it, and serving."""
