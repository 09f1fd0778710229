"""Facts about this machine: store locks, processes, ports, user directories, file changes."""
