"""The guard of a store folder: who may use it, copy it, and delete it."""
