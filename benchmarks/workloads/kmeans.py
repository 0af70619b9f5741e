"""The cost of k means: of each point the squared distance to the centroid that is nearest."""

import numpy as np

ARGNUMS = 0
SIZES = {"small": (10, 1_000, 8), "medium": (100, 1_000, 8), "large": (100, 10_000, 8)}


def kmeans(centroids, points):
    distances = np.sum((points[:, None, :] - centroids[None, :, :]) ** 2, axis=2)
    return np.sum(np.min(distances, axis=1))


def arguments(size):
    k, n, d = size
    rng = np.random.default_rng(8)
    return rng.normal(size=(k, d)), rng.normal(size=(n, d))
