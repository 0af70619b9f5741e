"""The gradient of the recurrence: what is kept is the recurrence itself and the sines."""

import numpy as np

from . import as_generated


@as_generated
def recurrence(x):
    n = len(x)
    out, sine = np.empty(n), np.empty(n)
    out[0] = x[0]
    for i in range(1, n):
        sine[i] = np.sin(out[i - 1])
        out[i] = sine[i] * x[i] + out[i - 1]
    x_bar = np.empty(n)
    out_bar = 0.0
    for i in range(n - 1, 0, -1):
        out_bar += 2.0 * out[i]
        x_bar[i] = sine[i] * out_bar
        out_bar += np.cos(out[i - 1]) * x[i] * out_bar
    x_bar[0] = out_bar + 2.0 * out[0]
    return x_bar
