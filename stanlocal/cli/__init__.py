"""The command line: parses flags, calls the API, prints results. `app` holds the commands together."""
