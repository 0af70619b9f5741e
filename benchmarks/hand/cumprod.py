"""The gradient of the cumulative product: the products themselves are all that is needed."""

import numpy as np

from . import as_generated


@as_generated
def cumprod(x):
    n = len(x)
    out = np.empty(n)
    out[0] = x[0]
    for i in range(1, n):
        out[i] = out[i - 1] * x[i]
    x_bar = np.empty(n)
    out_bar = 0.0
    for i in range(n - 1, 0, -1):
        out_bar += 2.0 * out[i]
        x_bar[i] = out_bar * out[i - 1]
        out_bar *= x[i]
    x_bar[0] = out_bar + 2.0 * out[0]
    return x_bar
