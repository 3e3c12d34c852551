"""The last day, in bounded memory: what was counted, what drifted, what happened."""
