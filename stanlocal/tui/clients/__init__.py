"""Clients that a user starts from the interface, independent of the screen."""
