"""What users call: `adjoint` and its relatives, thin over the frontend and the pipeline.

Names, argument order and results follow JAX where JAX has the name.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any

from . import nested
from .differentiation import Choice
from .frontend.arguments import binder, flatten
from .frontend.captured import Operands
from .frontend.specialise import Specialisations
from .gradient_checks import Program, check
from .ir.errors import ArgumentError
from .pipeline import Options
from .programs import Programs
from .verification.differences import Tolerance
from .verification.verdict import Verdict

Function = Callable[..., Any]


def adjoint(
    f: Function | None = None,
    argnums: int | Sequence[int] = 0,
    argnames: str | Sequence[str] | None = None,
    *,
    has_aux: bool = False,
    backend: str | None = None,
    plan: str = "auto",
    fastmath: bool = False,
    parallel: bool = True,
    threads: int | None = None,
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
        "numba" (compiled, the default) or "numpy". The environment variable `ADCOMPILER_BACKEND` sets the
        default.
    plan
        Which primal values loops keep for the reverse sweep: "auto", the fewest bytes, then the least work;
        or "store_all", all that are read.
    fastmath
        Let the compiler reassociate and assume that there are no NaN and infinities. Off by default: the
        arithmetic is compiled as written.
    parallel
        Whether large calls use several threads. Results are the same, to the last bit, with and without, and
        for every number of threads.
    threads
        How many at most; None for all that Numba has: NUMBA_NUM_THREADS, or the CPUs of the process.

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
        )
    options = Options.of(backend, plan=plan, fastmath=fastmath, parallel=parallel, threads=threads)
    choice = Choice(options, _numbers(argnums), _names(argnames), has_aux)
    return GradientFunction(f, choice)


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, **options: Any) -> Function:
    """The gradient function of `f`, as `jax.grad`: with `has_aux` it returns (gradient, aux).

    Parameters, options and errors are those of `adjoint`.
    """
    gradient = GradientFunction(f, Choice(_options(options), _numbers(argnums), None, has_aux))
    return _Both(gradient, _gradient_and_aux) if has_aux else gradient


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, **options: Any
) -> Function:
    """A function of (value, gradient), with `has_aux` ((value, aux), gradient); as `jax.value_and_grad`.

    Parameters, options and errors are those of `adjoint`.
    """
    gradient = GradientFunction(f, Choice(_options(options), _numbers(argnums), None, has_aux))
    return _Both(gradient, lambda both: both)


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
    return GradientFunction(f, _everything(primals, options, has_aux)).vjp(*primals)


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
    programs, operands = GradientFunction(f, _everything(primals, options)).specialised(tuple(primals), {})
    return programs.jvp(operands, tangents)


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
    choice = Choice(_options(options), 0, None, False)
    programs, operands = GradientFunction(f, choice).specialised(tuple(args), {})
    program = Program(programs.function, tuple(operands.values), tuple(operands.sizes))
    check(program, order, modes, Tolerance.of(program.floats, atol, rtol, eps), choice.options)


class GradientFunction:
    """A compiled gradient function; see `adjoint`. It compiles at the first call that needs the program."""

    def __init__(self, f: Function, choice: Choice) -> None:
        self.function = f
        self.choice = choice
        functools.update_wrapper(self, f, updated=())
        self._specialisations: Specialisations[Programs] = Specialisations(
            f, choice.key, functools.partial(Programs, choice=choice, parameters=binder(f).starred)
        )

    @property
    def key(self) -> tuple[Any, ...]:
        """What a call depends on beside `function`."""
        return self.choice.key

    def specialised(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Programs, Operands]:
        """The programs that serve these arguments, and what to call them with."""
        specialisation, operands = self._specialisations.find(args, kwargs)
        return specialisation.program, operands

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        specialisation, inputs = self._specialisations.serving(args, kwargs)
        return specialisation.program.gradient(inputs)

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """(value, gradient), with `has_aux` ((value, aux), gradient), of one compiled program."""
        specialisation, inputs = self._specialisations.serving(args, kwargs)
        return specialisation.program.value_and_grad(inputs)

    def primal(self, *args: Any, **kwargs: Any) -> Any:
        """What the function itself returns, compiled; it writes the arrays that the function writes."""
        programs, operands = self.specialised(args, kwargs)
        if not programs.function.written:
            return programs.primal(operands, ())
        leaves, _ = flatten(self._specialisations.binder.bind(args, kwargs))
        return programs.primal(operands, leaves)

    def vjp(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """(value, pullback), with `has_aux` (value, pullback, aux); the pullback may be called many times."""
        programs, operands = self.specialised(args, kwargs)
        return programs.vjp(operands)

    def verify(self, *args: Any, **kwargs: Any) -> Verdict:
        """Prove as much as can be proven of the gradient, near these arguments; see `adcompiler.verify`."""
        programs, operands = self.specialised(args, kwargs)
        return programs.verify(operands)

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is: the gradient, written into the program around it."""
        return nested.gradient(tracer, self, self.choice, args, kwargs, with_value=False)

    def ir(self, *args: Any, stage: str = "gradient", **kwargs: Any) -> str:
        """The program as text: stage "trace", "primal", "adjoint", "tangent" or "gradient".

        Raises
        ------
        ArgumentError
            For any other stage.
        """
        return self.programs(*args, **kwargs).text(stage)

    def source(self, *args: Any, stage: str = "gradient", **kwargs: Any) -> str:
        """The generated Python source of stage "primal", "gradient" or "value_and_grad".

        Raises
        ------
        ArgumentError
            For any other stage.
        """
        return self.programs(*args, **kwargs).source(stage)

    def programs(self, *args: Any, **kwargs: Any) -> Programs:
        """Everything compiled for these arguments; for tools that show it."""
        return self.specialised(args, kwargs)[0]

    @property
    def specialisations(self) -> int:
        """How many programs tracing has made for this function so far."""
        return len(self._specialisations.entries)

    def __get__(self, instance: Any, owner: type | None = None) -> GradientFunction:
        """A decorated method, bound to its object; `argnums` does not count `self`."""
        if instance is None:
            return self
        return GradientFunction(MethodType(self.function, instance), self.choice)

    def __repr__(self) -> str:
        return f"<gradient of {getattr(self.function, '__qualname__', self.function)}>"


class _Both:
    """A function of what `value_and_grad` returns."""

    def __init__(self, gradient: GradientFunction, chosen: Callable[[Any], Any]) -> None:
        self.function = gradient.function
        self.gradient = gradient
        self.chosen = chosen
        functools.update_wrapper(self, gradient.function, updated=())

    @property
    def key(self) -> tuple[Any, ...]:
        """What a call depends on beside `function`."""
        return (self.chosen.__code__, *self.gradient.key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.chosen(self.gradient.value_and_grad(*args, **kwargs))

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is."""
        return self.chosen(nested.gradient(tracer, self, self.gradient.choice, args, kwargs, with_value=True))


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
