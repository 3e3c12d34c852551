"""`outrider report`: what drifted, how sure, since when, as a file to hand round or a gate."""
