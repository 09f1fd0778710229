"""The data model of a group: its plan, states, node names, the group document. Pure."""
