"""stanlocal."""
