"""Figures of the host beside those of the model: machine, container, the model server's process,
the model's files, GPUs."""
