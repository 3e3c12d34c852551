"""Alerts that the sidecar sends by itself: their composition, and what they are judged by."""
