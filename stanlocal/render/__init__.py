"""Renderers: a plan as each server's stan.conf and container settings. Pure."""
