"""Programs that tests of the CUDA backend have in common, as a backend is given them."""

import sys
from pathlib import Path

import numpy as np
import optree
from roundtrip import argument

from adcompiler import adjoint, pipeline
from adcompiler.frontend.arguments import NAMESPACE

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import kernels  # noqa: E402

SMALL = {"heat": 30, "lstm": 2, "lennard_jones": 15, "hmm": 3}


def kernel_and_arguments(name):
    """One of the ten loop kernels, and small arguments."""
    kernel = kernels.load(name)
    return kernel, kernel.arguments(SMALL.get(name, 6))


def chosen(args):
    """The numbers of the arguments that have a derivative."""
    return tuple(k for k, x in enumerate(args) if any(is_float(leaf) for leaf in leaves(x)))


def is_float(leaf):
    return np.asarray(leaf).dtype.kind == "f"


def leaves(tree):
    return optree.tree_leaves(tree, namespace=NAMESPACE)


def programs(function, argnums, args, stages=("primal", "adjoint")):
    """Of a user's function for these arguments: programs, operands and sizes; cotangents are random."""
    found, operands = adjoint(function, argnums, backend="numpy").specialised(args, {})
    rng = np.random.default_rng(1)
    for stage in stages:
        program = pipeline.finished(found.stage(stage))
        sizes = dict(zip(program.sizes, operands.sizes, strict=True))
        cotangents = program.body.params[len(operands.values) :]
        yield program, [*operands.values, *(argument(p.type, sizes, rng) for p in cotangents)], sizes
