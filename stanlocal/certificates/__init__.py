"""Certificates of a secured group: a CA of its own, and what the CA signs."""
