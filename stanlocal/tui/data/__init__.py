"""What is inside the group, fetched and shaped; nothing here knows of the screen."""
