"""Faults: what can be done to nodes, each with what it is expected to bring.

`base` says what a fault is, `registry` which there are, `act` injects and ends them, with a record in the
group's journal before and after.
"""
