"""Ports of this machine for the pods of a group, through the API server."""
