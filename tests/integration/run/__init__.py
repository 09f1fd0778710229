"""`stanlocal run` on real servers."""
