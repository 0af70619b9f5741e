"""Comparing the two modes of differentiation with each other and with differences."""

import numpy as np

from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function
from adcompiler.transforms.cse import cse
from adcompiler.transforms.dce import dce
from adcompiler.transforms.forward import forward
from adcompiler.transforms.reverse import reverse
from adcompiler.transforms.simplify import simplify


def optimised(f: Function) -> Function:
    for _ in range(2):
        f = dce(cse(simplify(f)))
    verify(f)
    return f


def floats(f: Function) -> list[int]:
    return [k for k, p in enumerate(f.body.params) if p.type.dtype.is_float]


def random_like(values, rng):
    return [np.asarray(rng.normal(size=np.shape(v)))[()] for v in values]


def random_args(f: Function, seed: int, n: int = 5):
    rng = np.random.default_rng(seed)
    sizes = {name: n for name in f.sizes}
    shapes = [[d.value(sizes) for d in p.type.shape] for p in f.body.params]
    return [np.asarray(rng.uniform(0.3, 0.9, shape))[()] for shape in shapes]


def mismatch(f: Function, args, seed: int = 0, plan: str = "auto", sizes=None) -> float:
    """The relative gap in <y_bar, J x_dot> = <J^T y_bar, x_dot>, with the two modes written separately."""
    rng = np.random.default_rng(seed)
    wrt = floats(f)
    primal = evaluate(f, args, sizes)
    bars, dots = random_like(primal, rng), random_like([args[k] for k in wrt], rng)
    backward = evaluate(optimised(reverse(f, wrt, plan)), [*args, *bars], sizes)
    onward = evaluate(optimised(forward(f, wrt)), [*args, *dots], sizes)
    for a, b, c in zip(primal, backward, onward, strict=False):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    left = sum(np.sum(x * y) for x, y in zip(bars, onward[len(primal) :], strict=True))
    right = sum(np.sum(x * y) for x, y in zip(backward[len(primal) :], dots, strict=True))
    return abs(left - right) / max(abs(left), abs(right), 1e-3)


def directional(f: Function, args, dots, sizes=None, h: float = 1e-5):
    """Central differences of all results along a direction, with one Richardson step."""

    def at(step):
        moved = [a + step * d for a, d in zip(args, dots, strict=True)]
        return evaluate(f, moved, sizes)

    rough = [(p - q) / (2 * h) for p, q in zip(at(h), at(-h), strict=True)]
    fine = [(p - q) / h for p, q in zip(at(h / 2), at(-h / 2), strict=True)]
    return [(4 * b - a) / 3 for a, b in zip(rough, fine, strict=True)]
