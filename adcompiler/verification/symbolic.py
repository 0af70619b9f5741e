"""Ops as formulas near a point, a polynomial test for zero, and the proof of the partials of a record.

Near a point without ties every op is smooth: of `Max`, `Abs`, `floor` and conditions only what holds there is
left, and symbols know their sign. So formulas are rational in a few generators (symbols, exp, sin, roots),
and two of them are equal if the numerator of their difference expands to zero. `simplify` is never asked, and
what would expand to too many terms is left undecided.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import comb, prod
from typing import Any

import numpy as np

from adcompiler.ir.build import as_value, function
from adcompiler.ir.graph import Function, Value
from adcompiler.ir.op import NoDerivative, Op, Partials, Scalar
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType, DType

from .precise import NoSymbolicForm, precision
from .tape import Number, Run, Step, numbers, play

MOST_TERMS = 20_000
"""What the test for zero expands at most; of fractions, and of what is rewritten in exponentials, less."""
MOST_FRACTIONS = 2_000
MOST_REWRITTEN = 200

Point = Mapping[Any, Any]
"""The number (an mpf) of every symbol."""

Attributes = tuple[tuple[str, Any], ...]


class Standing(enum.Enum):
    """What is known of an equation between derivatives."""

    PROVEN = "proven"
    UNDECIDED = "not proven"
    WRONG = "wrong"


# ---- ops as formulas ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formula:
    """One float result element of a step, as an expression in placeholders for operand elements."""

    result: Number
    operands: tuple[tuple[int, Number, Any], ...]
    """Number of the operand, its element, and the placeholder of that."""
    value: Any

    def at(self, expressions: Callable[[Number], Any]) -> Any:
        """The result in terms of the expressions of its operands."""
        return self._placed(self.value, expressions)

    def slopes(
        self, expressions: Callable[[Number], Any], folded: bool = False
    ) -> Iterator[tuple[int, Number, Any]]:
        """The derivative with respect to each element of each operand, as SymPy finds it.

        If `folded`, the result stands for itself where it occurs, as y in tanh' = 1 - y^2.
        """
        for k, element, place in self.operands:
            slope = derivative(self.value, place)
            if folded and not self.value.is_rational_function():
                slope = slope.subs(self.value, expressions(self.result))
            if slope != 0:
                yield k, element, self._placed(slope, expressions)

    def _placed(self, expression: Any, expressions: Callable[[Number], Any]) -> Any:
        if not expression.free_symbols:
            return expression
        return expression.xreplace({place: expressions(n) for _, n, place in self.operands})


def rational(step: Step) -> bool:
    """Whether the results of a step are rational functions of its operands."""
    return all(formula.value.is_rational_function() for formula in formulas(step))


@cache
def derivative(value: Any, place: Any) -> Any:
    """SymPy's derivative of an expression."""
    return value.diff(place)


@lru_cache(maxsize=1 << 14)
def formulas(step: Step) -> list[Formula]:
    """A step near the numbers it was run with.

    Raises NoSymbolicForm where the record of the op has none.
    """
    op = step.eqn.op
    results = [n for y in step.outputs for n in numbers(y)]
    if isinstance(op.derivative, NoDerivative) or not any(True for x in step.inputs for _ in numbers(x)):
        return [Formula(n, (), fraction(n.value)) for n in results]
    if op.sympy is None:
        raise NoSymbolicForm(f"op {op.name} has no symbolic form")
    return _of_elements(step) if isinstance(op.lowering, Scalar) else _of_arrays(step, results)


def _of_elements(step: Step) -> list[Formula]:
    attrs = tuple(sorted(step.attrs.items()))
    (output,) = step.outputs
    arrays = np.broadcast_arrays(output, *step.inputs)
    return [
        _of_element(step.eqn.op, attrs, *elements) for elements in zip(*(a.flat for a in arrays), strict=True)
    ]


def _of_element(op: Op, attrs: Attributes, result: Number, *operands: Any) -> Formula:
    kinds = tuple(sign(x.value) if isinstance(x, Number) else x.item() for x in operands)
    places, value = scalar_formula(op, attrs, kinds)
    named = tuple((k, x, places[k]) for k, x in enumerate(operands) if isinstance(x, Number))
    return Formula(result, named, smooth(value, {p: x.value for _, x, p in named}))


@cache
def scalar_formula(op: Op, attrs: Attributes, kinds: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """An elementwise op in placeholders of known sign; integers and truth values stand for themselves."""
    import sympy

    assert op.sympy is not None
    places = tuple(symbol(f"x{k}", kind) if isinstance(kind, str) else kind for k, kind in enumerate(kinds))
    return places, sympy.sympify(op.sympy(*places, **dict(attrs)))


def _of_arrays(step: Step, results: Sequence[Number]) -> list[Formula]:
    import sympy

    named: dict[Any, tuple[int, Number]] = {}

    def place(x: Any, k: int) -> Any:
        array = np.asarray(x)
        if array.dtype != object:
            return x
        found = np.empty(array.shape, dtype=object)
        for at, n in enumerate(array.flat):
            found.flat[at] = symbol(f"x{k}_{at}", sign(n.value))
            named[found.flat[at]] = k, n
        return found[()]

    assert step.eqn.op.sympy is not None
    found = step.eqn.op.sympy(*(place(x, k) for k, x in enumerate(step.inputs)), **step.attrs)
    point = {p: n.value for p, (_, n) in named.items()}
    rows = []
    for n, expression in zip(results, np.asarray(found, dtype=object).flat, strict=True):
        value = smooth(sympy.sympify(expression), point)
        rows.append(Formula(n, tuple((*named[p], p) for p in sorted(value.free_symbols, key=str)), value))
    return rows


def sign(number: Any) -> str:
    """What a symbol may know of its number."""
    return "positive" if number > 0 else "negative" if number < 0 else "real"


def symbol(name: str, kind: str) -> Any:
    """A symbol with a sign."""
    import sympy

    return sympy.Symbol(name, **{kind: True})


def fraction(number: Any) -> Any:
    """An mpf as the fraction that it is."""
    import mpmath
    import sympy

    if not mpmath.isfinite(number):
        return sympy.nan
    man, exp = number.man_exp  # without the sign
    return sympy.Integer(man if number > 0 else -man) * sympy.Integer(2) ** exp


def smooth(expression: Any, point: Point) -> Any:
    """The expression with only what holds near the point of `Max`, `Abs`, `floor` and conditions."""
    import sympy

    rough = (sympy.Max, sympy.Min, sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.Piecewise)
    if not expression.has(*rough):
        return expression
    if isinstance(expression, sympy.Piecewise):
        return next(smooth(e, point) for e, condition in expression.args if _number(condition, point) == True)  # noqa: E712
    args = [smooth(a, point) for a in expression.args]
    sizes = [_number(a, point) for a in args] if isinstance(expression, rough) else []
    match expression:
        case sympy.Max():
            return args[sizes.index(max(sizes))]
        case sympy.Min():
            return args[sizes.index(min(sizes))]
        case sympy.Abs():
            return args[0] * sympy.sign(sizes[0])
        case sympy.sign() | sympy.floor() | sympy.ceiling():
            return expression.func(sizes[0])
    return expression.func(*args)


def _number(expression: Any, point: Point) -> Any:
    import sympy

    return expression.subs({s: sympy.Float(v, 40) for s, v in point.items()})


# ---- the test for zero -------------------------------------------------------------------------------------


def vanishes(difference: Any, point: Point) -> bool:
    """Whether an expression is proven to be zero near a point; False where that is left open."""
    return any(form == 0 for form in _forms(difference, point))


def _forms(difference: Any, point: Point) -> Iterator[Any]:
    """Ever more costly normal forms of an expression that is to be zero."""
    import sympy

    yield difference
    if terms(difference) > MOST_TERMS:
        return
    yield (expanded := sympy.expand(difference))
    if terms(difference) > MOST_FRACTIONS:
        return
    yield (whole := _numerator(_regular(expanded, point)))
    if terms(whole) <= MOST_REWRITTEN:
        yield _numerator(sympy.expand(whole.rewrite(sympy.exp)))


def _numerator(expression: Any) -> Any:
    """The numerator over a common denominator, expanded; not expanded where it has too many terms."""
    import sympy

    top = sympy.fraction(sympy.together(expression))[0]
    return sympy.expand(top, power_exp=True) if terms(top) <= MOST_TERMS else top


def _regular(expression: Any, point: Point) -> Any:
    """Sums in exponents as products, and roots of products as products of roots of positive factors."""
    import sympy

    def root(power: Any) -> Any:
        base, exponent = power.as_base_exp()
        factors = sympy.factor_list(sympy.together(base))
        positive = [(f if _number(f, point) > 0 else sympy.expand(-f), n) for f, n in factors[1]]
        return prod((f ** (n * exponent) for f, n in positive), start=abs(factors[0]) ** exponent)

    def irrational(e: Any) -> bool:
        return bool(e.is_Pow and e.exp.is_Rational and not e.exp.is_Integer and e.base.is_Add)

    split = sympy.expand(expression, power_exp=True, deep=True)
    return split.replace(irrational, root)


def terms(expression: Any) -> int:
    """A bound for the number of terms after expansion."""
    if expression.is_Add:
        return sum(map(terms, expression.args))
    if expression.is_Mul:
        return min(prod(map(terms, expression.args)), 10**9)
    if expression.is_Pow and expression.exp.is_Integer:
        n, power = terms(expression.base), abs(int(expression.exp))
        return 1 if n == 1 else min(comb(n + power - 1, power), 10**9) if power < 1000 else 10**9
    return max(map(terms, expression.args), default=1)


# ---- the partials of a record ------------------------------------------------------------------------------


@dataclass(frozen=True)
class PartialsProof:
    """What is known of the partials of an op near one point; `reason` says why they are not proven."""

    op: Op
    standing: Standing
    reason: str = ""


def prove_record(op: Op) -> list[PartialsProof]:
    """The partials of an elementwise op near every point of its smooth samples."""
    found = []
    for sample in op.samples:
        if sample.smooth and any(np.asarray(x).dtype.kind == "f" for x in sample.inputs):
            elements = np.broadcast_arrays(*sample.inputs)
            attrs = tuple(sorted(sample.attrs.items()))
            found += [
                prove_partials(op, attrs, inputs) for inputs in zip(*(a.flat for a in elements), strict=True)
            ]
    return found


def prove_partials(op: Op, attrs: Attributes, inputs: Sequence[Any]) -> PartialsProof:
    """Compare what a record says of its partials with SymPy's derivative, near one point.

    `inputs` are scalars: floats, mpf, integers or truth values. Partials are programs in ops; they are
    evaluated with symbols, and the difference must vanish as a polynomial.
    """
    assert isinstance(op.derivative, Partials)
    program = _partials_program(op, attrs, inputs)
    with precision():
        try:
            run = play(program, inputs, {})
            return _compare_partials(op, run)
        except NoSymbolicForm as error:
            return PartialsProof(op, Standing.UNDECIDED, error.message)


def _partials_program(op: Op, attrs: Attributes, inputs: Sequence[Any]) -> Function:
    """x, y, ... -> op(x, y, ...), and its partials."""
    statement = op.derivative
    assert isinstance(statement, Partials)
    floating = [getattr(x, "dtype", np.dtype(np.float64)).kind in "fO" for x in inputs]
    params = [
        Value(ArrayType(DType.F64 if f else DType.of(x.dtype)), f"x{k}")
        for k, (x, f) in enumerate(zip(inputs, floating, strict=True))
    ]

    def body(*values: Value) -> list[Value]:
        result = op(*values, **dict(attrs))
        partials = statement.of(*values, result, **dict(attrs))
        written = [as_value(0.0 if p is None else p) for p in partials]
        return [result, *(p for p, f in zip(written, floating, strict=True) if f)]

    return function(op.name, params, body, ops=OPS)


def _compare_partials(op: Op, run: Run) -> PartialsProof:
    given = [n for x in run.params for n in numbers(x)]
    point = {symbol(f"x{k}", sign(n.value)): n.value for k, n in enumerate(given)}
    expressions: dict[Number, Any] = dict(zip(given, point, strict=True))
    for step in run.steps:
        for formula in formulas(step):
            expressions[formula.result] = formula.at(lambda n: expression_of(n, expressions))
    (formula,) = formulas(run.steps[0])
    slopes: dict[Number, Any] = dict.fromkeys(given, 0)
    for _, operand, slope in formula.slopes(lambda n: expression_of(n, expressions)):
        slopes[operand] += slope
    for k, (operand, partial) in enumerate(zip(given, run.results[1:], strict=True)):
        standing = _standing(slopes[operand] - expression_of(partial, expressions), point)
        if standing is not Standing.PROVEN:
            return PartialsProof(op, standing, _partial_reason(op, k, standing))
    return PartialsProof(op, Standing.PROVEN)


def expression_of(number: Number, expressions: Mapping[Number, Any]) -> Any:
    """The expression of a Number; a constant of the program stands for itself."""
    return number.exact if number.exact is not None else expressions[number]


def _standing(difference: Any, point: Point) -> Standing:
    size = _number(difference, point)
    if difference != 0 and not abs(size) < 1e-30:
        return Standing.WRONG
    return Standing.PROVEN if vanishes(difference, point) else Standing.UNDECIDED


def _partial_reason(op: Op, operand: int, standing: Standing) -> str:
    if standing is Standing.WRONG:
        return f"the partial of {op.name} with respect to operand {operand} is wrong"
    return f"the partial of {op.name} with respect to operand {operand} could not be decided"
