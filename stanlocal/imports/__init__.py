"""Importers: an existing deployment's files (stan.conf, manifests, units, scripts and others) as settings.

`reading.read` takes everything that can run locally, and lists what it left out or changed, and why. The file
may be hostile: its size is bounded, it can neither read files outside its folder nor run anything. `deployed`
reads what a cluster runs, and loads only what that takes.
"""
