"""The past of a group: the journal, and the events and failovers derived from it and the logs."""

JOURNAL_FILE = "journal.jsonl"
"""Name of the journal in a group's folder: its absence is known without loading what reads it."""
