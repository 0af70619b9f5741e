"""Functions of the IR that several tests run: one a sample of an op, and the loops that people write."""

import numpy as np

from adcompiler.ir.build import function
from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType, Dim, DType


def sample_function(op, sample, name="sample"):
    """The Function that applies an op to operands like a sample's; with named sizes where the attributes
    allow it."""
    try:
        return _applied(op, sample, name, symbolic=True)
    except AdcompilerError:
        return _applied(op, sample, name, symbolic=False)


def _applied(op, sample, name, symbolic):
    shapes = [np.shape(x) for x in sample.inputs]
    # equal lengths get one name, so that operands still fit together
    names = {n: f"n{n}" for shape in shapes for n in shape if symbolic and n != 1}
    params = [
        Value(
            ArrayType(DType.of(np.asarray(x).dtype), tuple(Dim.of(names.get(n, n)) for n in shape)), f"x{k}"
        )
        for k, (x, shape) in enumerate(zip(sample.inputs, shapes, strict=True))
    ]

    def body(*operands):
        from adcompiler.ir.build import emit

        return emit(op, operands, sample.attrs)

    return function(name, params, body, ops=OPS, sizes=tuple(names.values()))


def size_values(program, args):
    """The values of the sizes of a Function, in its order, read off the shapes of arguments."""
    known = {}
    for param, arg in zip(program.body.params, args, strict=True):
        known.update({d.name: n for d, n in zip(param.type.shape, np.shape(arg), strict=True) if d.name})
    return [known[size] for size in program.sizes]
