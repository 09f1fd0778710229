"""The servers' HTTP monitoring ports: a client, and what their documents say."""
