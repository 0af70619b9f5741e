"""What programs for NVIDIA's GPUs stand on."""
