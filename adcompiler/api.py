"""What users call: `adjoint` and its relatives, thin over the frontend and the pipeline.

Names, argument order and results follow JAX where JAX has the name.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import nested
from .checkpointing.plans import Plan
from .differentiation import Choice
from .gradient_function import Function, GradientFunction, ValueAndGradient, specialisations
from .ir.errors import ArgumentError
from .pipeline import Options
from .verification.verdict import Verdict


def adjoint(
    f: Function | None = None,
    argnums: int | Sequence[int] = 0,
    argnames: str | Sequence[str] | None = None,
    *,
    has_aux: bool = False,
    backend: str | None = None,
    plan: Plan = "auto",
    fastmath: bool = False,
    parallel: bool = True,
    threads: int | None = None,
    deterministic: bool = True,
    graphs: bool = False,
    warmup: str = "call",
) -> Any:
    """The compiled gradient function of a Python function of NumPy arrays and floats.

    Also a decorator, with or without arguments: the decorated function *is* the gradient function, and the
    function itself its attribute `primal`.

    Parameters
    ----------
    f
        A function that returns one float scalar (with `has_aux`, a pair of it and anything else): plain
        Python over NumPy, a lambda, method, `functools.partial`, callable object, Numba dispatcher, or
        NumPy function.
    argnums
        Which positional arguments to differentiate with respect to. An int gives a bare gradient, a
        sequence a tuple.
    argnames
        The same by name; gives a dict. Not together with another `argnums`.
    has_aux
        Whether `f` returns (value, aux); aux is not differentiated.
    backend
        "numba" (compiled, the default), "numpy", or "cuda" (on an NVIDIA GPU). The environment variable
        `ADCOMPILER_BACKEND` sets the default.
    plan
        What is kept for the reverse sweep, and what is computed again: "auto", in loops the fewest bytes at
        no extra dear work; "store_all", all that is read; `Budget("512 MiB")`, the least work in so much
        memory at a time, results included, else `PlanError`; `MaxExtra(0.33)`, the least memory with so much
        more work; "sqrt", about the square root of a loop's trips; "recompute_all", the least memory.
    fastmath
        Let the compiler reassociate and assume that there are no NaN and infinities. Off by default: the
        arithmetic is compiled as written.
    parallel
        Whether large calls use several threads. Results are the same, to the last bit, with and without, and
        for every number of threads.
    threads
        How many at most; None for all that Numba has: NUMBA_NUM_THREADS, or the CPUs of the process.
    deterministic
        Whether results of "cuda" have the same bits in every run. Without, what several threads add to one
        place is added in any order, which takes less time. Results of the CPU always have.
    graphs
        With "cuda", whether the launches of a call are recorded as a CUDA graph when sizes and numbers
        repeat, and started together from then on: for programs that launch much for small arrays. Those whose
        course depends on what they compute run as they are. While one is recorded, at the second call, no
        other thread may use CUDA's default stream.
    warmup
        "call": the first call compiles, and waits for it. "background": Numba compiles in a thread, and
        NumPy answers until it has finished, where that should take less than 0.1 s.

    Returns
    -------
    GradientFunction
        Called as `f` is, it returns the gradient in the structure and dtypes of the argument: a NumPy
        scalar for a float, an array for an array, None for leaves that are not floats.

    Raises
    ------
    ArgumentError
        For options that do not exist, and, at a call, for arguments that cannot be differentiated.
    CaptureError
        At the first call, for what cannot be captured: the message names the file, line and variable, and a
        way out.
    """
    if f is None:
        return functools.partial(
            adjoint,
            argnums=argnums,
            argnames=argnames,
            has_aux=has_aux,
            backend=backend,
            plan=plan,
            fastmath=fastmath,
            parallel=parallel,
            threads=threads,
            deterministic=deterministic,
            graphs=graphs,
            warmup=warmup,
        )
    options = Options.of(
        backend,
        plan=plan,
        fastmath=fastmath,
        parallel=parallel,
        threads=threads,
        deterministic=deterministic,
        graphs=graphs,
        warmup=warmup,
    )
    choice = Choice(options, _numbers(argnums), _names(argnames), has_aux)
    return GradientFunction(f, choice)


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, **options: Any) -> Function:
    """The gradient function of `f`, as `jax.grad`: with `has_aux` it returns (gradient, aux).

    Parameters, options and errors are those of `adjoint`.
    """
    gradient = GradientFunction(f, Choice(_options(options), _numbers(argnums), None, has_aux))
    return ValueAndGradient(gradient, _gradient_and_aux) if has_aux else gradient


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, **options: Any
) -> Function:
    """A function of (value, gradient), with `has_aux` ((value, aux), gradient); as `jax.value_and_grad`.

    Parameters, options and errors are those of `adjoint`.
    """
    gradient = GradientFunction(f, Choice(_options(options), _numbers(argnums), None, has_aux))
    return ValueAndGradient(gradient, lambda both: both)


class Traceable:
    """A function of this module that captured functions may call on traced values."""

    key = ()
    """What a call depends on beside `function`."""

    def __init__(self, function: Function, traced: Function) -> None:
        self.function = function
        self.traced = traced
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is."""
        return self.traced(tracer, *args, **kwargs)


def _traced_vjp(tracer: Any, f: Function, *primals: Any, has_aux: bool = False, **options: Any) -> Any:
    return nested.vjp(tracer, f, _everything(primals, options, has_aux), primals)


def _traced_jvp(tracer: Any, f: Function, primals: Any, tangents: Any, **options: Any) -> Any:
    _check_tangents(primals, tangents)
    return nested.jvp(tracer, f, _everything(primals, options), primals, tangents)


def _everything(primals: Sequence[Any], options: Mapping[str, Any], has_aux: bool = False) -> Choice:
    """The choice of all arguments."""
    return Choice(_options(options), tuple(range(len(primals))), None, has_aux)


def _check_tangents(primals: Any, tangents: Any) -> None:
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise ArgumentError("jvp takes a tuple of primals and a tuple of tangents")
    if len(primals) != len(tangents):
        raise ArgumentError(f"jvp got {len(primals)} primals and {len(tangents)} tangents")


def _traceable(traced: Function) -> Callable[[Function], Traceable]:
    return lambda function: Traceable(function, traced)


@_traceable(_traced_vjp)
def vjp(f: Function, *primals: Any, has_aux: bool = False, **options: Any) -> tuple[Any, ...]:
    """(f(*primals), pullback), as `jax.vjp`; `pullback(cotangent)` is a tuple, one cotangent an argument.

    With `has_aux`, (value, pullback, aux). The cotangent has the structure and shapes of the result.
    Options are those of `adjoint`.

    Raises
    ------
    ArgumentError
        For options that do not exist, and by the pullback for a cotangent that is not like the result.
    DerivativeError
        If a primal has no floats.
    CaptureError
        For what cannot be captured.
    """
    specialisation, inputs = specialisations(f, _everything(primals, options, has_aux)).serving(primals, {})
    return specialisation.program.vjp(inputs)


@_traceable(_traced_jvp)
def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], **options: Any) -> tuple[Any, Any]:
    """(f(*primals), tangent of it) along `tangents`, one an argument, each shaped like it; as `jax.jvp`.

    Options are those of `adjoint`.

    Raises
    ------
    ArgumentError
        For options that do not exist, and for tangents that are not like the primals.
    DerivativeError
        If a primal has no floats.
    CaptureError
        For what cannot be captured.
    """
    _check_tangents(primals, tangents)
    served = specialisations(f, _everything(primals, options))
    specialisation, inputs = served.serving(tuple(primals), {})
    return specialisation.program.jvp(inputs, tangents)


def verify(f: Function, *args: Any, argnums: int | Sequence[int] = 0, **options: Any) -> Verdict:
    """Prove as much as can be proven of the gradient of `f`, near these arguments.

    SymPy proves the partials of every operation that occurs and the adjoint of every block; the whole program
    is compared with a derivative of 50 digits at random points, and forward with reverse mode. A derivative
    that is wrong is no exception: the verdict says so. Options and errors are those of `adjoint`.

    Parameters
    ----------
    f, args
        The function, and arguments near which it is looked at.
    argnums
        Which of them are differentiated, as in `adjoint`.

    Returns
    -------
    Verdict
        Its text says what was proven; `ok` is False if the derivative is wrong, and `counterexample` says
        where.
    """
    choice = Choice(_options(options), _numbers(argnums), None, False)
    return GradientFunction(f, choice).verify(*args)


def check_grads(
    f: Function,
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    **options: Any,
) -> None:
    """Compare compiled derivatives of `f` with differences, as `jax.test_util.check_grads`.

    Parameters
    ----------
    f, args
        The function, and the arguments at which it is differentiated, with respect to all floats in them.
    order
        Up to which order derivatives are checked.
    modes
        "fwd", "rev" or both; of higher orders every combination.
    atol, rtol
        What is tolerated: 1e-5 each, 1e-2 where there are f32 arguments.
    eps
        The step of central differences; without it they are extrapolated to step 0.

    Raises
    ------
    WrongDerivative
        An AssertionError that names argument and element.
    ArgumentError
        For options, modes and orders that do not exist.
    """
    from .gradient_checks import Program, check
    from .verification.differences import Tolerance

    choice = Choice(_options(options), 0, None, False)
    programs, operands = GradientFunction(f, choice).specialised(tuple(args), {})
    program = Program(programs.function, tuple(programs.values_on_host(operands)), tuple(operands.sizes))
    check(program, order, modes, Tolerance.of(program.floats, atol, rtol, eps), choice.options)


def _gradient_and_aux(both: tuple[Any, Any]) -> tuple[Any, Any]:
    (_, aux), gradient = both
    return gradient, aux


def _options(options: Mapping[str, Any]) -> Options:
    known = [field.name for field in dataclasses.fields(Options)]
    unknown = options.keys() - set(known)
    if unknown:
        raise ArgumentError(
            f"unknown option {sorted(unknown)[0]!r}", hint="the options are " + ", ".join(known)
        )
    return Options.of(**options)


def _numbers(argnums: int | Sequence[int]) -> int | tuple[int, ...]:
    if isinstance(argnums, int) and not isinstance(argnums, bool):
        return argnums
    if isinstance(argnums, Sequence) and argnums and all(type(n) is int for n in argnums):
        return tuple(argnums)
    raise ArgumentError(f"argnums must be an int or a sequence of ints, not {argnums!r}")


def _names(argnames: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return (argnames,) if isinstance(argnames, str) else None if argnames is None else tuple(argnames)
