"""The guard of a store folder: which group may use, copy and delete it."""
