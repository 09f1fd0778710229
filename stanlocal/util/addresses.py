"""IP addresses with a meaning of their own."""

LOOPBACK = "127.0.0.1"
