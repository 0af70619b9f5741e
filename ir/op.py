"""The Op record: everything that is known of an operation stands in one place.

Its types rule, its evaluation with NumPy, its form in SymPy, its lowering, its cost, samples for the tests,
and exactly one statement of its derivative.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol

from .graph import EMITTER, Attr, Attrs, Block, Eqn, Value
from .types import ArrayType, Dim, DType

# ---- derivatives: exactly one statement an op ----


@dataclass(frozen=True)
class Contribution:
    """What a reverse rule may answer instead of a cotangent: how to add it to an accumulator, in place."""

    into: Callable[[Value], Value]


Cotangent = Value | Contribution | None


@dataclass(frozen=True)
class Partials:
    """For elementwise ops: `of(*inputs, *outputs, **attrs)` writes the partial for each input (None: zero).

    Forward is the sum of partial times tangent; reverse is partial times cotangent, summed over broadcast
    axes.
    """

    of: Callable[..., Sequence[Value | float | None]]

    def by_operand(
        self, operands: Sequence[Value], values: Sequence[Value], attrs: Attrs
    ) -> dict[Value, Value | float]:
        """The partial for each operand that has one; an operand in several places has one, their sum."""
        found: dict[Value, Value | float] = {}
        for operand, partial in zip(operands, self.of(*values, **attrs), strict=True):
            if partial is not None:
                found[operand] = found[operand] + partial if operand in found else partial
        return found


@dataclass(frozen=True)
class Linear:
    """For ops that are linear in all their float inputs taken together.

    Forward applies the op to the tangents (zeros where there is none); reverse is `transpose(eqn,
    cotangent)`, one answer an input (None for integers and booleans). An answer of the broadcast shape is
    summed by the caller.
    """

    transpose: Callable[[Eqn, Value], Sequence[Cotangent]]


class Forward(Protocol):
    """A block through which tangents are being pushed, as the rule of an op sees it.

    Primal values are those of the program that is differentiated; their copies are in the program being
    written.
    """

    def primal(self, value: Value) -> Value:
        """The copy of a primal value."""

    def tangent(self, value: Value) -> Value | None:
        """The tangent of a primal value; None where it is zero."""

    def tangent_or_zeros(self, value: Value) -> Value:
        """The tangent of a primal value, written out where it is zero."""

    def has_tangent(self, value: Value) -> bool:
        """Whether the tangent of a primal value may differ from zero."""

    def varied(self, block: Block, seeds: frozenset[Value]) -> frozenset[Value]:
        """The values of a block that vary with `seeds` or with values that have a tangent here, seeds
        included.
        """

    def push(self, block: Block, copies: Mapping[Value, Value], tangents: Mapping[Value, Value]) -> Forward:
        """Emit the equations of a block with their tangents, given copies and tangents of its parameters."""


class Reverse(Protocol):
    """A block whose equations are being walked backwards, as the rule of an op sees it.

    While the adjoint is written every primal value of every depth counts as being in scope, and rules name
    primal values directly; `transforms/residuals.py` makes that legal afterwards.
    """

    def differentiable(self, value: Value) -> bool:
        """Whether a cotangent of this primal value may be wanted."""

    def accumulate(self, value: Value, cotangent: Cotangent, chosen: bool = False) -> None:
        """Add to the cotangent of a primal value; the first one moves in. None adds nothing.

        What is `chosen` is zero where the value was not taken: then no derivative of what it was made from
        can turn it into NaN.
        """

    def has_cotangent(self, value: Value) -> bool:
        """Whether anything was accumulated for a primal value, and not taken."""

    def is_chosen(self, value: Value) -> bool:
        """Whether all that was accumulated for a primal value is `chosen`."""

    def take(self, value: Value) -> Value | None:
        """Remove and return the cotangent so far: it moves into a block."""

    def take_or_zeros(self, value: Value) -> Value:
        """Remove and return the cotangent so far, zeros if there is none: it moves into a loop."""

    def instantiate(self, cotangent: Value | None, primal: Value) -> Value:
        """A cotangent, or zeros of the type of the primal value."""

    def inside(self, cotangents: Mapping[Value, Value]) -> Reverse:
        """The reverse of a block inside, which starts with these cotangents of captured values."""

    def sweep(self, block: Block) -> None:
        """Walk the equations of a block backwards."""

    def run_again(
        self, body: Block, wrt: Sequence[Value], cotangents: Sequence[tuple[Value, Value]]
    ) -> tuple[Block, Sequence[int], Sequence[int]]:
        """A block that captures nothing, run again and walked backwards.

        Its parameters are those of `body`, then one for each of `cotangents`, pairs of a value of `body` and
        its cotangent outside. It yields the cotangents of those of `wrt` that have one: their numbers, and
        which of them are `chosen`.
        """

    def mark(self, primal: Eqn) -> Attrs:
        """Attributes that say of an adjoint equation with blocks which primal equation it reverses."""


@dataclass(frozen=True)
class Rule:
    """Both modes written out.

    `jvp(forward, eqn)` emits the primal and tangent equations and returns (outputs, tangents);
    `vjp(reverse, eqn, cotangents)` accumulates into the inputs through `reverse`; `cotangents` has one entry
    an output, None where it is zero.
    """

    jvp: Callable[[Forward, Eqn], tuple[Sequence[Value], Sequence[Value | None]]]
    vjp: Callable[[Reverse, Eqn, Sequence[Value | None]], None]


def multilinear(transpose: Callable[[Eqn, int, Value], Cotangent], chosen: Sequence[int] = ()) -> Rule:
    """The Rule of an op that is linear in each of its operands, as a product is.

    Forward puts each tangent in the place of its operand and adds up; `transpose(eqn, k, cotangent)` answers
    with the cotangent of operand k, which for those in `chosen` is zero where the operand was not taken.
    """

    def jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
        primals = [forward.primal(v) for v in eqn.inputs]
        terms = [
            eqn.op(*primals[:k], tangent, *primals[k + 1 :], **eqn.attrs)
            for k, v in enumerate(eqn.inputs)
            if (tangent := forward.tangent(v)) is not None
        ]
        total = reduce(operator.add, terms) if terms else None
        return [eqn.op(*primals, **eqn.attrs)], [total]

    def vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
        (cotangent,) = cotangents
        for k, v in enumerate(eqn.inputs):
            if cotangent is not None and reverse.differentiable(v):
                reverse.accumulate(v, transpose(eqn, k, cotangent), k in chosen)

    return Rule(jvp, vjp)


@dataclass(frozen=True)
class NoDerivative:
    """Zero in both modes; asked for explicitly, an error that says why."""

    why: str


Derivative = Partials | Linear | Rule | NoDerivative

# ---- lowering: how backends write the op ----

Read = Callable[[int, Sequence[str]], str]
"""`read(k, indices)` is the source of the element of input k at these indices (sources of integers)."""


Scratch = Callable[[Sequence[ArrayType], Attrs], Sequence[ArrayType]]


def nothing(types: Sequence[ArrayType], attrs: Attrs) -> Sequence[ArrayType]:
    """The scratch of a function that makes its result alone."""
    return ()


@dataclass(frozen=True)
class Scalar:
    """Elementwise: Python source of one result element, valid for plain Python and for Numba.

    A template may use `{0}`, `{1}`, ... for the operands (names, calls, or in parentheses), `{attribute}`,
    `{dtype}` for the constructor of the result's dtype (`np.float32`), with which it encloses every literal,
    so that f32 stays f32, and `{bits}` for the result's width. It may call functions of `math`, of `np` on
    scalars, and, by bare name, those of `backends/special.py`. It follows NumPy at NaN, infinities and zeros,
    and never raises. Where one text does not fit all, a function chooses it by attributes and result dtype.

    `vector` is a template of the same form for floats on the CPU, by functions of `backends/vecmath`, which
    LLVM vectorises.
    """

    template: str | Callable[[Attrs, DType], str]
    vector: str | None = None

    def source(self, operands: Sequence[str], attrs: Attrs, result: DType, vector: bool = False) -> str:
        """The expression for these operands, of exactly the result's dtype; by `vector`, where there is one.

        Numba widens small integers, and the special functions compute in double precision: hence the cast.
        """
        if vector and self.vector is not None and result.is_float:
            return self.vector.format(*operands)
        dtype = constructor(result)
        places = {**attrs, "dtype": dtype, "bits": 8 * result.itemsize}
        template = self.template if isinstance(self.template, str) else self.template(attrs, result)
        text = template.format(*operands, **places)
        cast = text == f"{dtype}({operands[0]})"
        return text if cast or result in (DType.F64, DType.I64, DType.BOOL) else f"{dtype}({text})"


def constructor(dtype: DType) -> str:
    """Source of the NumPy scalar type of a dtype."""
    return "np.bool_" if dtype is DType.BOOL else f"np.{dtype.numpy.name}"


@dataclass(frozen=True)
class Element:
    """One output element as a function of its indices: `source(eqn, read, indices)`; no reduction inside."""

    source: Callable[[Eqn, Read, Sequence[str]], str]


@dataclass(frozen=True)
class Reduction:
    """Accumulation over the axes in attribute `axes`: start value and step, as sources.

    `init` may use `{zero}` `{one}` `{lowest}` `{highest}` (constants of the output's dtype); `step` has
    `{acc}` and `{x}`, and so has `vector`, the step of floats on the CPU where that is another one.
    """

    init: str
    step: str
    vector: str | None = None


@dataclass(frozen=True)
class Scan:
    """A Reduction that keeps every partial result, along the axis in attribute `axis`.

    It runs backwards where attribute `reverse` is true; each result includes the element at its own place.
    """

    init: str
    step: str


@dataclass(frozen=True)
class Whole:
    """A statement on whole arrays that both CPU targets compile: `source(eqn, operands)` is an expression.

    It must give a fresh C-contiguous array, or, if `view`, may share memory with operand 0. Of an op that
    updates it is a call that changes operand 0. `scratch` are the arrays that compiled code makes beside its
    result, as `Op.scratch` those of NumPy.

    `expanded(*inputs, **attrs)` writes the same in other ops, for a target that computes each element in a
    thread of its own; without it the op runs where the program is driven from.
    """

    source: Callable[[Eqn, Sequence[str]], str]
    view: bool = False
    scratch: Scratch = nothing
    expanded: Callable[..., Value] | None = None


@dataclass(frozen=True)
class Library:
    """A call of a backend's function that writes into an array which is there.

    `source(eqn, operands, result)` is a call that gives False where it fails: then LinAlgError is raised with
    the message `fails`. An operand may be the transpose of an array.
    """

    source: Callable[[Eqn, Sequence[str], str], str]
    fails: str


@dataclass(frozen=True)
class Structural:
    """Ops that the writers of backends know by name: control flow, updates of arrays, checks."""


Lowering = Scalar | Element | Reduction | Scan | Whole | Library | Structural

# ---- the record ----

TypeRule = Callable[[Sequence[ArrayType], Attrs, Sequence[Block]], tuple[ArrayType, ...]]


@dataclass(frozen=True)
class Sample:
    """Inputs for the tests that a record writes by itself: NumPy arrays or scalars, and attributes.

    `smooth` is False where the op is not differentiable at these inputs: derivative tests leave it out.
    """

    inputs: tuple[Any, ...]
    attrs: Attrs = field(default_factory=dict)
    smooth: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Op:
    """The definition of an operation, never its application.

    `numpy(*inputs, **attrs)` evaluates it (Dims in attributes come as integers; ops with blocks also get
    `blocks`, callables; several results as a tuple); `scratch(types, attrs)` are the arrays that this makes
    beside its result, as far as they are alive at once. `dispatch` lists the callables of NumPy and `math`
    that, applied to traced values, become this op on promoted operands; `dispatch_names` those of modules
    that are not imported here, such as "scipy.special.expit". `cost` is floating-point operations an element,
    or, if `terms(types, attrs)` counts terms, of a term; a `dear` op is never replayed. An `effect` keeps its
    order and is never removed. `blocks` counts the blocks.

    The result of an op that `updates` is operand 0 with a part changed: backends do that in place where they
    may. One that `adds` adds to operand 0, or subtracts from it, and nothing else: so a sum of a loop grows.

    An op that `chooses` does not take some of its operands, or of its blocks, which may be anything, NaN too:
    their derivative is zero. One that `moves` takes elements of its operands as they are, or casts them, and
    computes nothing. A `loop` runs its last block once a trip; the block's parameters are the number
    of the trip, then what stands for the operands. The block of a `closed` op captures nothing. `binds` is
    the attribute that names a size which an application binds, in the block that it stands in.
    """

    name: str
    infer: TypeRule
    numpy: Callable[..., Any]
    derivative: Derivative
    lowering: Lowering
    scratch: Scratch = nothing
    sympy: Callable[..., Any] | None = None
    dispatch: tuple[Callable[..., Any], ...] = ()
    dispatch_names: tuple[str, ...] = ()
    cost: float = 1.0
    terms: Callable[[Sequence[ArrayType], Attrs], Dim] | None = None
    dear: bool = False
    effect: bool = False
    updates: bool = False
    adds: bool = False
    chooses: bool = False
    moves: bool = False
    blocks: int = 0
    loop: bool = False
    closed: bool = False
    binds: str | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def computes(self) -> bool:
        """Whether elements of its results are computed from those of its operands, and not moved alone."""
        if self.moves or isinstance(self.lowering, Element):
            return False
        return not isinstance(self.lowering, Structural) or self.adds or self.terms is not None

    def __call__(self, *inputs: Value | float, **attrs: Attr) -> Value:
        """Emit one application onto the block that is being written; for ops with one output."""
        (output,) = EMITTER.get().emit(self, inputs, attrs)
        return output

    def __repr__(self) -> str:
        return f"<op {self.name}>"
