"""Helpers for those who test, on real servers."""
