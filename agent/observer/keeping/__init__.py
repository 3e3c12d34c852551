"""What is written down, so that it outlives the process."""
