"""The Prometheus endpoint: the names of prometheus-nats-exporter, and our own."""
