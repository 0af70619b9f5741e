"""The gradient by all three numbers."""

from . import as_generated


@as_generated
def primal(a, b, c):
    d = a * b + c
    return d * d


@as_generated
def three_scalars(a, b, c):
    slope = 2.0 * (a * b + c)
    return slope * b, slope * a, slope
