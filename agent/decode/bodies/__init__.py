"""Bytes to documents: codings, media types, events and lines, within bounds."""
