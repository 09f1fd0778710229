"""What fills the terminal: the main screen, and what comes on top of it."""
