"""What would have been said of a history, by the very code that judges traffic."""
