"""The reports of a drill: HTML with charts and lanes, JUnit."""
