"""The analysis of a ledger: findings, losses, outages, verdict."""
