"""The observer process: everything but the traffic."""
