"""Heat in two dimensions: the kernel of the loops, plain loops and two buffers that are swapped."""

from kernels.heat import ARGNUMS, arguments, heat

__all__ = ["ARGNUMS", "SIZES", "arguments", "heat"]
SIZES = {"small": 1_000, "medium": 10_000, "large": 1_000_000}  # cells, about
