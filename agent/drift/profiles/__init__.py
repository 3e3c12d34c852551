"""`outrider profile`: reference profiles made, looked at and compared by people."""
