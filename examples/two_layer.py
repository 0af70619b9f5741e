"""A two-layer network with ReLU and squared error, and its gradient worked out by hand.

    z1 = w1 x + b1    h = max(z1, 0)    z2 = w2 h + b2    L = (z2 - y)^2

Backwards, writing v' for dL/dv and * for the product element by element:

    z2' = 2 (z2 - y)     y'  = -z2'
    w2' = z2' h^T        b2' = z2'
    h'  = w2^T z2'       z1' = h' * (z1 > 0)
    w1' = z1' x^T        b1' = z1'        x' = w1^T z1'

At the parameters below: z1 = h = (0.51, 1.12), z2 = 0.957, L = 0.001849 and z2' = -0.086, so that

    w2' = (-0.04386, -0.09632)                    b2' = -0.086
    w1' = ((-0.043, -0.086), (-0.0516, -0.1032))  b1' = (-0.043, -0.0516)
    x'  = (-0.01978, -0.02924)                    y'  = 0.086
"""

import numpy as np


def loss(w1, b1, w2, b2, x, y):
    z1 = w1 @ x + b1
    h = np.maximum(z1, 0.0)
    z2 = w2 @ h + b2
    return (z2[0] - y) ** 2


def example():
    """The arguments of `loss` at which the docstring works out the gradient."""
    w1, b1 = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.01, 0.02])
    w2, b2 = np.array([[0.5, 0.6]]), 0.03
    return w1, b1, w2, b2, np.array([1.0, 2.0]), 1.0


if __name__ == "__main__":
    from adcompiler import adjoint

    names = ("w1", "b1", "w2", "b2", "x", "y")
    value, gradients = adjoint(loss, argnames=names).value_and_grad(*example())
    print(f"L = {value}")
    for name in names:
        print(f"dL/d{name} =", gradients[name].tolist())
