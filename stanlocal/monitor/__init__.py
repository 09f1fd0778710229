"""The servers' HTTP monitoring port: a client, and the meaning of its documents."""
