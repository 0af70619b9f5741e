"""The gradient by the centroids: of each point only the centroid that is nearest has a part in it."""

import numpy as np

from . import as_generated


@as_generated
def nearest(centroids, point):
    """The nearest centroid, and its squared distance."""
    best, least = 0, np.inf
    for j in range(len(centroids)):
        distance = 0.0
        for k in range(len(point)):
            difference = point[k] - centroids[j, k]
            distance += difference * difference
        if distance < least:
            best, least = j, distance
    return best, least


@as_generated
def primal(centroids, points):
    total = 0.0
    for i in range(len(points)):
        total += nearest(centroids, points[i])[1]
    return total


@as_generated
def kmeans(centroids, points):
    centroids_bar = np.zeros(centroids.shape)
    for i in range(len(points)):
        j, _ = nearest(centroids, points[i])
        for k in range(points.shape[1]):
            centroids_bar[j, k] += 2.0 * (centroids[j, k] - points[i, k])
    return centroids_bar
