"""The store folder that all nodes share: guarded before use, read without disturbing the servers."""
