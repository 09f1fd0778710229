"""From a plan to the files and container settings that a server is given, without I/O."""
