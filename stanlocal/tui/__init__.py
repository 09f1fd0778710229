"""The terminal interface: a group seen live, broken and mended by key."""
