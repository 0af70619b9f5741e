"""A loop that carries one number: p = sin(x)^n, one factor an iteration.

The closed form is its check: dp/dx = n sin(x)^(n-1) cos(x).
"""

from math import sin


def power(x, n):
    p = 1.0
    for _ in range(n):
        p = sin(x) * p
    return p


if __name__ == "__main__":
    from adcompiler import adjoint

    gradient = adjoint(power)
    print(gradient.ir(0.5, 10))
    for n in (10, 1000):
        print(f"n = {n}: p, dp/dx =", *gradient.value_and_grad(1.5, n))
