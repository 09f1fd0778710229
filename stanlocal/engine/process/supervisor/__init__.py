"""The supervisor: the small parent process of each local server. Every start loads it."""
