"""Faults: each with its prediction, injection, observed outcome and undo.

`base` defines what a fault is, `registry` lists them, `injection` injects them and `healing` undoes them;
both record it in the group's journal.
"""
