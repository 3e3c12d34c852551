"""References made of rows: shapes, counts, what a period shows."""
