"""The relay: follows channels into streams, with equal sequences, while both servers are in use."""
