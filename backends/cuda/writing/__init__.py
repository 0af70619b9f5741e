"""The source of host programs and of their kernels."""
