"""The data model of a group, without I/O: its plan, its states, how nodes are named, the group document."""
