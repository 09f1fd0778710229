"""Faults: each with its prediction, injection, observed outcome and undo.

`base` defines what a fault is, `registry` lists them, `injection` injects and ends them and records both in
the group's journal.
"""
