"""The command line: parses flags, calls the API, prints. `app` holds the commands together."""
