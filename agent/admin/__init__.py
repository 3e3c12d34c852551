"""The admin port: what the observer shows to people and to Prometheus."""
