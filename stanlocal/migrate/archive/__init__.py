"""The backup format of nats-server 2.15: one stream with its messages and consumers."""
