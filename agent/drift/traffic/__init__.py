"""A model's traffic: rows counted, windows judged, references learned of it."""
