"""What a reference keeps: plain data, its bins, its file."""
