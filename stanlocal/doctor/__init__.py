"""Checks of a group and what it needs, here or on a cluster, each with the way to fix what is wrong.

None of them changes anything. Entry: `examination.examine`.
"""
