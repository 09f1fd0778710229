"""Reports of a rehearsal, for people and for CI servers."""
