"""The group for Prometheus: the exporter's names, and our own."""
