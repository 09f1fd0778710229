"""Exporters: a plan as text for Docker Compose, Kubernetes, Helm and Grafana. Pure."""
