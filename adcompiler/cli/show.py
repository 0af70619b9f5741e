"""`adcompiler show`: every stage of a compilation."""

from __future__ import annotations

from dataclasses import replace

import click

from adcompiler import pipeline
from adcompiler.api import adjoint
from adcompiler.backends import BACKENDS, cuda_backend
from adcompiler.backends import Options as BackendOptions
from adcompiler.backends.machine_code import machine_code
from adcompiler.ir.errors import DerivativeError
from adcompiler.ir.graph import Function
from adcompiler.ir.text import Names
from adcompiler.programs import Programs
from adcompiler.transforms.inline import inline

from .formulas import formulas
from .options import as_json, on_function, with_respect_to
from .output import print_json
from .target import read

TEXTS = {"trace": "trace", "simplified": "primal", "adjoint": "adjoint", "tangent": "tangent"}
STAGES = (*TEXTS, "sympy", "kernels", "memory", "numpy", "numba", "llvm", "asm", "cuda", "ptx")


@click.command()
@on_function
@click.option(
    "--stage", type=click.Choice(STAGES), default="adjoint", show_default=True, help="What to print."
)
@with_respect_to
@as_json
def show(target: str, args: tuple[str, ...], stage: str, wrt: tuple[str, ...], json: bool) -> None:
    """Print a function at one stage of its compilation.

    An argument may be a type, f64, f32[n, 3] or i64: a value is made up, and sizes that have a name stay
    symbolic.

    \b
    trace       the program as it was captured
    simplified  the same, optimised
    adjoint     results, and the derivatives as a function of those of the results
    tangent     results, and how they move when the arguments move
    sympy       function and gradient as formulas, loops and branches block by block
    kernels     the gradient as loop nests over buffers
    memory      the bytes that a call of the gradient takes, as formulas
    numpy       the gradient as Python that calls NumPy
    numba       the gradient as Python that Numba compiles
    llvm, asm   what Numba makes of it on this machine
    cuda        the gradient as kernels for a GPU, and the Python that launches them
    ptx         what Numba-CUDA makes of the kernels, for compute capability 9.0

    \b
    adcompiler show examples/power.py:power --arg x=f64 --arg n=i64 --stage adjoint
    """
    request = read(target, args, made_up=True)
    values, named = request.call
    programs = adjoint(request.function, argnames=wrt or request.floats).programs(*values, **named)
    text = stage_text(programs, stage)
    if json:
        print_json({"function": target, "stage": stage, "text": text})
    else:
        click.echo(text)


def stage_text(programs: Programs, stage: str) -> str:
    """What `--stage` asks for."""
    if stage in TEXTS:
        return programs.text(TEXTS[stage])
    if stage == "sympy":
        return _as_formulas(programs)
    program = _derivative(programs)
    if stage == "ptx":
        return "\n".join(cuda_backend.ptx(pipeline.finished(program), BackendOptions()).values())
    backend = stage if stage in BACKENDS else "numba"
    compiled = pipeline.compiled(program, replace(programs.choice.options, backend=backend))
    if stage in ("llvm", "asm"):
        return machine_code(compiled, stage)
    if stage == "memory":
        return str(compiled.needs)
    return compiled.kernels_text if stage == "kernels" else compiled.source


def _derivative(programs: Programs) -> Function:
    """The gradient; of a function that does not return one float scalar, the adjoint."""
    try:
        return programs.stage("gradient")
    except DerivativeError:
        return programs.stage("adjoint")


def _as_formulas(programs: Programs) -> str:
    """The primal's results, then the derivatives."""
    primal, derivative = inline(programs.stage("primal")), inline(_derivative(programs))
    results, names = primal.body.results, Names(primal)
    params = [programs.function.body.params[k].name for k in programs.wrt]
    labels = [r.name or (primal.name if len(results) == 1 else names.operand(r)) for r in results]
    if len(derivative.body.results) == len(params):
        slopes = [f"d{labels[programs.loss]}/d{p}" for p in params]
    else:
        slopes = [*labels, *(f"{p}_bar" for p in params)]
    return "\n".join([*formulas(primal, labels), "", *formulas(derivative, slopes)])
