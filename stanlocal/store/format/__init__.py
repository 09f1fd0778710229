"""The server's file format: records, slices, indexes and messages."""
