"""A group's life from planning to removal: placement, bring-up, restarts, teardown, orphans."""
