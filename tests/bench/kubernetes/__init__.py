"""Measurements on the Kubernetes cluster of the tests."""
