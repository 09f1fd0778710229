"""The Docker engine: FT groups as containers, through the Docker SDK."""
