"""How busy the model is: requests in flight, what it can take, what waits, what a prediction costs.

Rule: arithmetic on sums that others count exactly; the time is passed in, nothing is measured anew.
"""
