"""What the CUDA target is made of."""
