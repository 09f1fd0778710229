"""A rehearsal under load: a drill whose publishers and subscribers move to JetStream, and back."""
