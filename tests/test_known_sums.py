"""Sums of cotangents that follow from sums which are known already."""

import numpy as np

from adcompiler import adjoint
from adcompiler.ir.graph import walk


def sums(f, *args):
    """How many sums the gradient of a function adds up."""
    gradient = adjoint(f).programs(*args).stage("gradient")
    return sum(eqn.op.name == "sum" for eqn in walk(gradient.body))


def logsumexp(x):
    top = np.max(x)
    return np.log(np.sum(np.exp(x - top))) + top


def cross_entropy(logits, labels):
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    logs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.sum(labels * logs)


def test_weights_are_not_added_up_again():
    """Of a logsumexp: the weights and the number of largest elements; the labels of a cross entropy, too."""
    assert sums(logsumexp, np.arange(7.0)) == 2
    assert sums(cross_entropy, np.ones((6, 5)), np.ones((6, 5))) == 3


def test_sums_that_are_not_known_are_added_up():
    assert sums(lambda x: np.sum(np.sin(x - np.sum(x * x))), np.arange(7.0)) == 2


def test_gradients_are_those_of_all_sums():
    x = np.random.default_rng(0).normal(size=(6, 5))
    labels = np.eye(6)[:, :5]
    weights = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    expected = weights * np.sum(labels, axis=1, keepdims=True) - labels
    np.testing.assert_allclose(adjoint(cross_entropy)(x, labels), expected, atol=1e-15)


def test_a_long_chain_of_sums_is_followed_only_so_far():
    def chained(x):
        y = x
        for _ in range(3):
            for _ in range(8):
                for _ in range(8):
                    y = y + x
            y = y / np.sum(y)
        return np.sum(y * x)

    x, step = np.linspace(1.0, 2.0, 7), 1e-6
    moved = [(chained(x + step * e) - chained(x - step * e)) / (2.0 * step) for e in np.eye(len(x))]
    np.testing.assert_allclose(adjoint(chained)(x), moved, rtol=1e-6, atol=1e-8)
