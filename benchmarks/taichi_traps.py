"""Traps as Taichi kernels: overwritten arrays, loops that carry locals, loops that data end.

Line by line what the functions of the same name in `tests/traps` do, in one thread: an outer loop of one trip
keeps Taichi from running the loop inside in parallel.
"""

import numpy as np
import taichi as ti

ti.init(arch=ti.cpu, default_fp=ti.f64, log_level=ti.ERROR)
x = ti.field(ti.f64, shape=6, needs_grad=True)
y = ti.field(ti.f64, shape=6, needs_grad=True)
result = ti.field(ti.f64, shape=(), needs_grad=True)


@ti.kernel
def written_twice():
    y[2] = x[0] ** 2
    y[2] = x[1] ** 3
    result[None] = y[2]


@ti.kernel
def read_between_writes():
    y[0] = x[0]
    a = y[0] * x[1]
    y[0] = x[2]
    result[None] = a * y[0]


@ti.kernel
def product_in_place():
    for _ in range(1):
        for i in range(1, 6):
            x[i] = x[i] * x[i - 1]
        result[None] = x[5]


@ti.kernel
def gauss_seidel():
    for _ in range(1):
        for i in range(1, 5):
            x[i] = x[i - 1] * x[i + 1]
        result[None] = x[4]


@ti.kernel
def register():
    for _ in range(1):
        s = 0.0
        for i in range(6):
            y[0] = x[i]
            s += y[0] ** 2
        result[None] = s


@ti.kernel
def product():
    for _ in range(1):
        p = 1.0
        for i in range(6):
            p = p * x[i]
        result[None] = p


@ti.kernel
def break_at_a_threshold():
    for _ in range(1):
        s = 0.0
        for i in range(6):
            if s > 4.0:
                break
            s += x[i] * x[i]
        result[None] = s


@ti.kernel
def halved():
    for _ in range(1):
        s = x[0] * x[0]
        while s > 0.1:
            s = 0.5 * s
        result[None] = s


KERNELS = (
    written_twice, read_between_writes, product_in_place, gauss_seidel,
    register, product, break_at_a_threshold, halved,
)  # fmt: skip


def value_and_grad(kernel, argument):
    """By Taichi's tape."""
    x.from_numpy(np.resize(argument, 6))
    y.fill(0.0)
    with ti.ad.Tape(result):
        kernel()
    gradient = x.grad.to_numpy()
    return result[None], gradient if np.ndim(argument) else gradient[0]


def name(kernel):
    return kernel.__name__
