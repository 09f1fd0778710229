"""The load of a drill: publishers and subscribers that record everything they do and see."""
