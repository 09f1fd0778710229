"""The past of a group: the journal, and the events and failovers derived from it and the logs."""
