"""The process engine: FT groups as local processes, without Docker."""
