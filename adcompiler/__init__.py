"""Compiles the gradient of a NumPy function as it stands, and proves it right."""
