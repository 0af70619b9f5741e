"""Three numbers: all that a call costs, and nothing else."""

ARGNUMS = (0, 1, 2)
SIZES = {"small": None}


def three_scalars(a, b, c):
    return (a * b + c) ** 2


def arguments(size):
    return 2.0, -3.0, 10.0
