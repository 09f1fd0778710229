"""The server's image and binary: found, pulled, or built with Go."""
