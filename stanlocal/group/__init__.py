"""One running group: observe it, act on a node, keep its state directory."""
