"""A drill's scenario: parsed, validated, and scheduled."""
