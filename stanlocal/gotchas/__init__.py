"""The classic surprises of NATS Streaming FT, each set up on real servers, shown and explained.

`base` defines what a gotcha is and runs one in a scratch group; `registry` lists them.
"""
