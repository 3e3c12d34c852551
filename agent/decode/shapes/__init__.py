"""Shapes that values come in whatever the dialect: tensors, tables, rankings, plain answers."""
