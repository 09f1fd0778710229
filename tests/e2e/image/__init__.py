"""The image of stanlocal, built from this repository."""
