"""NVIDIA's libraries of dense linear algebra, on device arrays."""
