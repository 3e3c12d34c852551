"""Counts to verdicts: what is asked, how strong the evidence is, what the budget allows."""
