"""The Hessian of the cost of k means times a direction: what Newton's method asks for."""

import numpy as np

from . import kmeans as cost

ARGNUMS = 0
SIZES = cost.SIZES


def kmeans_hvp(centroids, points, direction):
    """The primal is the cost itself."""
    return cost.kmeans(centroids, points)


def derivative(jvp, grad):
    """Forward over reverse, by the jvp and grad of whoever differentiates."""

    def hessian_times(centroids, points, direction):
        def gradient(c):
            return grad(cost.kmeans)(c, points)

        return jvp(gradient, (centroids,), (direction,))[1]

    return hessian_times


def arguments(size):
    centroids, points = cost.arguments(size)
    return centroids, points, np.random.default_rng(9).normal(size=centroids.shape)
