"""Rows of files, batch by batch, whatever the format."""
