"""The supervisor process that each local server runs under. Kept small: every start loads it."""
