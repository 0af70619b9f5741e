"""Where planets are: Kepler's equation, E - e sin E = M, solved by Newton's method for each time."""

import numpy as np

ARGNUMS = (0, 1)
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def newton(mean, eccentricity, observed):
    total = 0.0
    for i in range(len(mean)):
        anomaly = mean[i]
        step = 1.0
        while abs(step) > 1e-12:
            excess = anomaly - eccentricity * np.sin(anomaly) - mean[i]
            step = excess / (1.0 - eccentricity * np.cos(anomaly))
            anomaly -= step
        total += (anomaly - observed[i]) ** 2
    return total


def arguments(n):
    rng = np.random.default_rng(10)
    mean = rng.uniform(0.0, 2.0 * np.pi, n)
    return mean, 0.4, mean + rng.normal(0.0, 0.1, n)
