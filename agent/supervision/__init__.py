"""What the supervisor does with: its children, the sockets, and the next generation."""
