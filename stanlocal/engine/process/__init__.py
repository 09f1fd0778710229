"""The process engine: nodes as local processes, without Docker."""
