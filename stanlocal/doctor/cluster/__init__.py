"""Checks of a group's deployment on a cluster: its objects are read, and each rule looks at them.

`examination` reads; every other module is pure.
"""
