"""The CUDA target: what becomes kernels, what runs on the host, and the device's memory."""
