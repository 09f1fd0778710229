"""The clients that a user starts from the screen; they know nothing of it."""
