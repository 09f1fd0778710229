"""Failures of the cluster, each with its reason in one line."""

from __future__ import annotations


class ClusterError(Exception):
    """Something of the cluster does not work."""


class CannotRun(ClusterError):
    """A cluster cannot run on this machine, or lacks a package."""
