"""What columns and versions are called that came without names."""
