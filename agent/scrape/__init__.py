"""The model server's own metrics: read from time to time, and shown beside ours.

Rule: whatever it answers costs a bounded time and memory, and none of our own metrics.
"""
