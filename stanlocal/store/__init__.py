"""The store folder that the nodes of a group share: guarded before use, and read without disturbing it."""
