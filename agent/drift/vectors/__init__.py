"""Vectors: embeddings, image tensors and other arrays, judged by what is computed of the whole."""
