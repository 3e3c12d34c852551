"""Outrider: the observability sidecar for model servers."""

__version__ = "0.1.0"
