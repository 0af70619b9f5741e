"""Traps as Warp kernels: overwritten arrays, loops that carry locals, loops that data end.

Line by line what the functions of the same name in `tests/traps` do, in one thread; `y` is an array to write.
"""

import numpy as np
import warp as wp

real = wp.float64
Vector = wp.array(dtype=wp.float64)


@wp.kernel
def written_twice(x: Vector, y: Vector, result: Vector):
    y[2] = x[0] * x[0]
    y[2] = x[1] * x[1] * x[1]
    result[0] = y[2]


@wp.kernel
def read_between_writes(x: Vector, y: Vector, result: Vector):
    y[0] = x[0]
    a = y[0] * x[1]
    y[0] = x[2]
    result[0] = a * y[0]


@wp.kernel
def product_in_place(x: Vector, y: Vector, result: Vector):
    for i in range(1, x.shape[0]):
        x[i] = x[i] * x[i - 1]
    result[0] = x[x.shape[0] - 1]


@wp.kernel
def gauss_seidel(x: Vector, y: Vector, result: Vector):
    for i in range(1, x.shape[0] - 1):
        x[i] = x[i - 1] * x[i + 1]
    result[0] = x[x.shape[0] - 2]


@wp.kernel
def register(x: Vector, y: Vector, result: Vector):
    s = real(0.0)
    for i in range(x.shape[0]):
        y[0] = x[i]
        s += y[0] * y[0]
    result[0] = s


@wp.kernel
def product(x: Vector, y: Vector, result: Vector):
    p = real(1.0)
    for i in range(x.shape[0]):
        p = p * x[i]
    result[0] = p


@wp.kernel
def break_at_a_threshold(x: Vector, y: Vector, result: Vector):
    s = real(0.0)
    for i in range(x.shape[0]):
        if s > real(4.0):
            break
        s += x[i] * x[i]
    result[0] = s


@wp.kernel
def halved(x: Vector, y: Vector, result: Vector):
    s = x[0] * x[0]
    while s > real(0.1):
        s = real(0.5) * s
    result[0] = s


KERNELS = (
    written_twice, read_between_writes, product_in_place, gauss_seidel,
    register, product, break_at_a_threshold, halved,
)  # fmt: skip


def value_and_grad(kernel, argument):
    """By Warp's tape, on the CPU."""
    x = wp.array(np.atleast_1d(argument), dtype=real, device="cpu", requires_grad=True)
    y = wp.zeros(6, dtype=real, device="cpu", requires_grad=True)
    result = wp.zeros(1, dtype=real, device="cpu", requires_grad=True)
    with wp.Tape() as tape:
        wp.launch(kernel, dim=1, inputs=[x, y], outputs=[result], device="cpu")
    tape.backward(result)
    return result.numpy()[0], x.grad.numpy().reshape(np.shape(argument))


def name(kernel):
    return kernel.func.__name__
