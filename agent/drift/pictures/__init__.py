"""What a column looks like: reference beside traffic, bin by bin, as plain data to draw from."""
