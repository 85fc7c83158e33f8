"""The command `store-release` of an instance; standard library only."""
