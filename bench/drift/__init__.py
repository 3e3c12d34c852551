"""Drift judgement beside its peers: false alarms, delay, cost; and the pictures of its page."""
