"""Bodies that are files: NumPy's, Arrow's, images."""
