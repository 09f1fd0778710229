"""A group's life: choice of engine, planning, bring-up, liveness, teardown, orphans."""
