"""Alarms told by the sidecar itself, for who has no Prometheus: judged, kept, sent."""
