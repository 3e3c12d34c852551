"""The data plane: a worker process that streams bytes both ways and knows no telemetry."""
