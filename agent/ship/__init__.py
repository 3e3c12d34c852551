"""Getting records out: one queue and one sender a sink, and a file for each kind of sink."""
