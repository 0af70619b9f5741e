"""The gradient of the misfit by the speed: the field of every step is kept, its curvature computed again."""

import numpy as np

from . import as_generated


@as_generated
def full_waveform_inversion(c, wavelet, source, receivers, damping, h, dt, observed):
    fields = np.empty((len(wavelet) + 2, *c.shape))
    return with_room(fields, c, wavelet, source, receivers, damping, h, dt, observed)


@as_generated
def with_room(fields, c, wavelet, source, receivers, damping, h, dt, observed):
    """The same, where the caller has memory for the fields, two more than there are steps."""
    decay, courant = 0.5 * dt * damping, (c * dt / h) ** 2
    traces_bar = forward(fields, dt**2 * wavelet, source, receivers, decay, courant, observed)
    return 2.0 * c * (dt / h) ** 2 * reverse(fields, receivers, decay, courant, traces_bar)


@as_generated
def forward(fields, impulse, source, receivers, decay, courant, observed):
    """The cotangent of the traces, which is what they differ by; fields[t + 2] is made by step t."""
    _, rows, columns = fields.shape
    fields[:2] = 0.0
    traces_bar = np.empty_like(observed)
    for t in range(len(impulse)):
        before, now, after = fields[t], fields[t + 1], fields[t + 2]
        after[0], after[-1] = 0.0, 0.0
        after[:, 0], after[:, -1] = 0.0, 0.0
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                around = now[i + 1, j] + now[i - 1, j] + now[i, j + 1] + now[i, j - 1] - 4.0 * now[i, j]
                inert = 2.0 * now[i, j] - (1.0 - decay[i, j]) * before[i, j]
                after[i, j] = (inert + courant[i, j] * around) / (1.0 + decay[i, j])
        after[source] += impulse[t]
        for k in range(len(receivers[0])):
            traces_bar[t, k] = after[receivers[0][k], receivers[1][k]] - observed[t, k]
    return traces_bar


@as_generated
def reverse(fields, receivers, decay, courant, traces_bar):
    """The cotangent of courant; nothing reads those of the border, where the field does not move."""
    _, rows, columns = fields.shape
    courant_bar, around_bar = np.zeros_like(courant), np.zeros_like(courant)
    after_bar, now_bar = np.zeros_like(courant), np.zeros_like(courant)
    for t in range(len(traces_bar) - 1, -1, -1):
        now = fields[t + 1]
        for k in range(len(receivers[0])):
            after_bar[receivers[0][k], receivers[1][k]] += traces_bar[t, k]
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                around = now[i + 1, j] + now[i - 1, j] + now[i, j + 1] + now[i, j - 1] - 4.0 * now[i, j]
                inert_bar = after_bar[i, j] / (1.0 + decay[i, j])
                courant_bar[i, j] += around * inert_bar
                around_bar[i, j] = courant[i, j] * inert_bar
                now_bar[i, j] += 2.0 * inert_bar - 4.0 * around_bar[i, j]
                after_bar[i, j] = (decay[i, j] - 1.0) * inert_bar
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                now_bar[i, j] += around_bar[i + 1, j] + around_bar[i - 1, j]
                now_bar[i, j] += around_bar[i, j + 1] + around_bar[i, j - 1]
        after_bar, now_bar = now_bar, after_bar
    return courant_bar
