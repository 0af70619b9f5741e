"""The gradient through every step of Newton's method: one element at a time, whose steps are kept meanwhile.

It is the derivative of the iteration as it runs. (Whoever trusts that it converged gets the same to rounding
from the implicit function theorem, without going back through the steps.)
"""

import numpy as np

from . import as_generated


@as_generated
def newton(mean, eccentricity, observed):
    n = len(mean)
    mean_bar, eccentricity_bar = np.empty(n), 0.0
    trail = np.empty((64, 4))  # of each step: sine, cosine, inverse of the slope, the step
    for i in range(n):
        anomaly, step, trips = mean[i], 1.0, 0
        while abs(step) > 1e-12:
            if trips == len(trail):
                longer = np.empty((2 * trips, 4))
                longer[:trips] = trail
                trail = longer
            sine, cosine = np.sin(anomaly), np.cos(anomaly)
            inverse = 1.0 / (1.0 - eccentricity * cosine)
            step = (anomaly - eccentricity * sine - mean[i]) * inverse
            trail[trips, 0], trail[trips, 1], trail[trips, 2], trail[trips, 3] = sine, cosine, inverse, step
            anomaly -= step
            trips += 1
        anomaly_bar = 2.0 * (anomaly - observed[i])
        total = 0.0
        for k in range(trips - 1, -1, -1):
            sine, cosine, inverse, step = trail[k, 0], trail[k, 1], trail[k, 2], trail[k, 3]
            excess_bar = -anomaly_bar * inverse
            slope_bar = -excess_bar * step
            total -= excess_bar
            eccentricity_bar -= excess_bar * sine + slope_bar * cosine
            # through `anomaly` and `excess` together nothing comes back: 1 - slope * inverse is 0
            anomaly_bar = slope_bar * eccentricity * sine
        mean_bar[i] = total + anomaly_bar  # the first guess is the mean itself
    return mean_bar, eccentricity_bar
