"""The file format of a NATS Streaming file store, read without disturbing the server."""
