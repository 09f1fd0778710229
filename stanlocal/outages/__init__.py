"""Outages, gaps and rates as clients see them."""
