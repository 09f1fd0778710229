"""The scenario of a drill: read, validated, scheduled."""
