"""Clients that a user starts from the interface; they know nothing of the screen."""
