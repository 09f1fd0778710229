"""Tests of the replay of drills."""
