"""What outlives a process: evidence, references, decisions."""
