"""What is behind the API: interface.py is the contract, memory.py only remembers."""
