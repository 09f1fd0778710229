"""A command run on a group, with the faults, the measurements and the report around it."""
