"""Derived columns: numbers computed of a whole row, counted and judged like any column."""
