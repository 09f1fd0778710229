"""A secured group on real servers: who gets in, what is written where, and certificates that go bad."""
