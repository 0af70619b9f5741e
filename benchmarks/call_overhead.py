"""What a call costs before anything is computed: gradients of next to nothing, beside those by hand.

By hand is a function under `@njit`: what it costs to hand numbers and arrays to machine code and back is in
it as well, and the bars are on what we take beyond that. JAX is called with the same three floats. All take
turns, so that what else the machine does strikes all alike.
"""

import time
from functools import partial

import hand
import jax
import kernels

from adcompiler import adjoint
from adcompiler.benchmarking import clock

BARS = {"three floats": 2e-6, "one array": 2e-6, "four arrays": 4e-6}
"""Seconds a call beyond the gradient by hand."""
POINT = (2.0, -3.0, 10.0)
SIZE, SECONDS = 10, 1.0


def loss(a, b, c):
    return (a * b + c) ** 2


@hand.as_generated
def loss_by_hand(a, b, c):
    slope = 2.0 * (a * b + c)
    return slope * b, slope * a, slope


def of_floats():
    """The gradient of three floats: ours, by hand, and with JAX."""
    ours = adjoint(loss, argnums=(0, 1, 2))
    compiled = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))

    def theirs(*point):
        return jax.block_until_ready(compiled(*point))

    functions = {"ours": ours, "hand": loss_by_hand, "jax": theirs}
    assert all(tuple(map(float, f(*POINT))) == (-24.0, 16.0, 8.0) for f in functions.values())
    return {who: partial(function, *POINT) for who, function in functions.items()}


def of_arrays(name):
    """The gradient of a kernel with arrays of a few elements: ours, and by hand."""
    kernel = kernels.load(name)
    functions = {"ours": adjoint(kernel.function, argnums=kernel.argnums), "hand": hand.load(name)}
    return {who: partial(function, *kernel.arguments(SIZE)) for who, function in functions.items()}


def main():
    jax.config.update("jax_enable_x64", True)
    cases = {
        "three floats": of_floats(),
        "one array": of_arrays("cumprod"),
        "four arrays": of_arrays("thomas"),
    }
    print(f"{'us a call':14}{'ours':>8}{'by hand':>9}{'beyond':>8}{'bar':>6}{'JAX':>8}")
    for name, functions in cases.items():
        times = clock.in_turn(functions, SECONDS, time.perf_counter)
        us = {who: timing.median * 1e6 for who, timing in times.items()}
        beyond, bar = us["ours"] - us["hand"], BARS[name] * 1e6
        theirs = f"{us['jax']:8.2f}" if "jax" in us else ""
        missed = "" if beyond <= bar else "  missed"
        print(f"{name:14}{us['ours']:8.2f}{us['hand']:9.2f}{beyond:8.2f}{bar:6.1f}{theirs}{missed}")


if __name__ == "__main__":
    main()
