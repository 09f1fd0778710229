"""One group: its status, nodes, live watch, state directory and store snapshots."""
