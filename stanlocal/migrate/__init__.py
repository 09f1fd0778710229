"""The way from NATS Streaming to JetStream: a plan, a backup that JetStream restores, and the proof."""
