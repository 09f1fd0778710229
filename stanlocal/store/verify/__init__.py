"""Verification of a store: every record, and what the server would refuse at its next start."""
