"""The JetStream side: a server's API, restoring a backup, reading a stream back."""
