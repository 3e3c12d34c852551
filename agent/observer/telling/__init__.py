"""What changed, as lines of Outrider's own log and as records."""
