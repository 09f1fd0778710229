"""Drills: a failure scenario under load, with a verdict."""
