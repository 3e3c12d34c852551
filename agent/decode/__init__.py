"""Bytes to named columns: a file a dialect, one registry, and the `Payload` they all make."""
