"""What is inside a running group: channels, clients, subscriptions, as the active node's monitor tells."""
