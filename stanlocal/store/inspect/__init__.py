"""Read-only views of a store: overview, messages, differences."""
