"""Measurement of outages, gaps and rates, as clients see them."""
