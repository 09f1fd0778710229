"""The GitHub action and the GitLab template: their schemas, and their scripts run."""
