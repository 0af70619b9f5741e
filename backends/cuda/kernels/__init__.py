"""Kernels and device functions that are not generated: reductions, running sums, sorted additions."""
