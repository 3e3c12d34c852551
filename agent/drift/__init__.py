"""Whether what passes by still looks like the reference: sketches, windows, verdicts."""
