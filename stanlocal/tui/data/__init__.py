"""The group's channels, clients and store for the data tab, fetched and shaped; independent of the screen."""
