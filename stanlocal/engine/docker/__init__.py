"""The Docker engine: nodes as containers, through the Docker SDK."""
