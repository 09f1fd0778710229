"""The history of a group: the journal, and events and failovers derived from it and the logs."""
