"""`outrider check`: is a sidecar and the model behind it fit to be relied on? A gate for CI/CD."""
