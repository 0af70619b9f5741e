"""Rewriting by rules, each a pair of traced functions: where the first matches, the second is written.

Rules keep the arithmetic as the user wrote it, to the last bit (NaN and signed zeros included), except those
marked `derived`: they hold for real numbers only, and are applied to equations that a transform has written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from adcompiler.ir.build import active, block, lookup, origin, replay, rewrite_inside, using, with_names
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, constant, reads
from adcompiler.ir.op import Scalar
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.attributes import integers, text
from adcompiler.ir.types import F32, F64, ArrayType, broadcast_shapes

from .accesses import simpler_access
from .known_sums import known_sum
from .legalise import REPLAYED
from .stacks import with_stacks

Made = MutableMapping[Value, Eqn]
"""The equation that made a value; of a sum, inside its loop, the loop."""

Bindings = dict[Value, Value]
Names = dict[Value, str]
"""What the user calls a value that took the place of another."""


def _negated(x: Value) -> Value:
    return -x


@dataclass(frozen=True)
class Rule:
    """`before(*values)` is rewritten to `after(*values)`."""

    before: Callable[..., Value | float]
    after: Callable[..., Value | float]
    derived: bool = False

    @property
    def arity(self) -> int:
        return self.after.__code__.co_argcount


RULES = (
    Rule(lambda x: x * 1.0, lambda x: x),
    Rule(lambda x: 1.0 * x, lambda x: x),
    Rule(lambda x: x / 1.0, lambda x: x),
    Rule(lambda x: -_negated(x), lambda x: x),
    Rule(lambda x: x * -1.0, lambda x: -x, derived=True),
    Rule(lambda x: -1.0 * x, lambda x: -x, derived=True),
    Rule(lambda x, y: x + -y, lambda x, y: x - y),
    Rule(lambda x, y: x - -y, lambda x, y: x + y),
    Rule(lambda x, y: -x * -y, lambda x, y: x * y),
    Rule(lambda x, y: -x + y, lambda x, y: y - x, derived=True),
    Rule(lambda x: x + 0.0, lambda x: x, derived=True),
    Rule(lambda x: 0.0 + x, lambda x: x, derived=True),
    Rule(lambda x: x - 0.0, lambda x: x),
    Rule(lambda x: x * 0.0, lambda x: 0.0, derived=True),
    Rule(lambda x: 0.0 * x, lambda x: 0.0, derived=True),
    # the derivative of x * x * x
    Rule(lambda x, g: (x * x) * g + (x + x) * (x * g), lambda x, g: (x * x) * g * 3.0, derived=True),
)


def simplify(function: Function) -> Function:
    """The same Function after rewriting; what became dead is left to `dce`."""
    with using(OPS):
        names: dict[Value, str] = {}
        body = block(function.body.params, lambda *params: _rewritten(function.body, {}, {}, names))
    return replace(function, body=with_names(body, names))


def _rewritten(source: Block, env: Bindings, made: Made, names: Names) -> Sequence[Value]:
    here = {o for eqn in source.eqns for o in eqn.outputs}
    uses = Counter([*source.results, *(v for eqn in source.eqns for v in reads(eqn))])
    for eqn in source.eqns:
        with origin(eqn.location, eqn.note):
            if eqn.blocks:
                around: Made = {} if eqn.op.closed else made
                loop = with_stacks(eqn, lambda v: _is_zeros(lookup(env, v), made), _is_derived)
                rewrite_inside(loop, env, partial(_rewritten_inside, around, names))
                continue
            operands = tuple(lookup(env, v) for v in eqn.inputs)
            once = {lookup(env, v) for v in eqn.inputs if uses[v] == 1 and v in here}
            simpler = _simpler(replace(eqn, inputs=operands), made, once)
            if simpler is not None:
                env[eqn.output] = simpler
                if eqn.output.name:
                    names.setdefault(simpler, eqn.output.name)
                continue
            replay(eqn, env)
            made.update((o, active().eqns[-1]) for o in active().eqns[-1].outputs)
    return [lookup(env, r) for r in source.results]


def _rewritten_inside(around: Made, names: Names, source: Block, env: Bindings) -> Sequence[Value]:
    return _rewritten(source, env, dict(around), names)


def _simpler(eqn: Eqn, made: Made, once: Collection[Value]) -> Value | None:
    """What the output of an equation equals, if that is simpler; the same type always."""
    if len(eqn.outputs) != 1 or eqn.op.effect:
        return None
    found = _folded(eqn) or _by_structure(eqn, made) or _by_rule(eqn, made)
    if found is None and eqn.op.name == "transpose" and eqn.inputs[0] in once:
        found = _transposed_product(eqn, made)
    if eqn.op.name == "sum" and found is None and _is_derived(eqn):
        found = known_sum(eqn, made)
    if found is None and eqn.inputs:
        found = simpler_access(eqn, made, once, _is_derived(eqn))
    return found if found is not None and found.type == eqn.output.type else None


# ---- rules ----


def _by_rule(eqn: Eqn, made: Made) -> Value | None:
    for rule in RULES:
        pattern = _pattern(rule)
        if pattern.eqns[-1].op is not eqn.op or (rule.derived and not _is_derived(eqn)):
            continue
        bindings: Bindings = {}
        if _matches(pattern.eqns[-1], eqn, {o: e for e in pattern.eqns for o in e.outputs}, made, bindings):
            result = rule.after(*(bindings[p] for p in pattern.params))
            return result if isinstance(result, Value) else constant(result, eqn.output.type.dtype)
    return None


def _is_derived(eqn: Eqn) -> bool:
    """Whether a transform has written it, and not the user."""
    return eqn.note is not None and eqn.note != REPLAYED


@cache
def _pattern(rule: Rule) -> Block:
    with using(OPS):
        return block(
            [Value(ArrayType(F64)) for _ in range(rule.arity)], lambda *params: [rule.before(*params)]
        )


def _matches(pattern: Eqn, eqn: Eqn, made_there: Made, made: Made, bindings: Bindings) -> bool:
    """Whether an equation is an instance of a pattern; `bindings` receives what its parameters stand for."""
    if pattern.op is not eqn.op or pattern.attrs != eqn.attrs:
        return False
    for expected, actual in zip(pattern.inputs, eqn.inputs, strict=True):
        if isinstance(expected, Constant):
            if not _equals(actual, float(expected.data), made):
                return False
        elif expected in made_there:
            if actual not in made or not _matches(
                made_there[expected], made[actual], made_there, made, bindings
            ):
                return False
        elif bindings.setdefault(expected, actual) is not actual:
            return False
    return True


def _equals(value: Value, number: float, made: Made) -> bool:
    """Whether a value is a scalar constant of this number, sign included; zeros count as 0."""
    if isinstance(value, Constant):
        return (
            not value.type.shape
            and bool(value.data == number)
            and bool(np.signbit(value.data) == (number < 0))
        )
    return number == 0 and _is_zeros(value, made)


def _is_zeros(value: Value, made: Made) -> bool:
    return value in made and made[value].op.name == "zeros"


# ---- constants and compositions ----


def _folded(eqn: Eqn) -> Value | None:
    """The number that an elementwise op of constant scalars gives."""
    scalars = all(isinstance(v, Constant) and not v.type.shape for v in eqn.inputs)
    if not eqn.inputs or not scalars or not isinstance(eqn.op.lowering, Scalar):
        return None
    with np.errstate(all="ignore"):
        result = eqn.op.numpy(*(v.data for v in eqn.inputs if isinstance(v, Constant)), **eqn.attrs)
    return constant(result, eqn.output.type.dtype)


def _by_structure(eqn: Eqn, made: Made) -> Value | None:
    """Changes of shape that change nothing, or that one equation can do at once."""
    if not eqn.inputs:
        return None
    if isinstance(eqn.op.lowering, Scalar):
        narrow = [_narrow(v, made) for v in eqn.inputs]
        whole = broadcast_shapes([v.type.shape for v in narrow]) == eqn.output.type.shape
        if whole and any(n is not v for n, v in zip(narrow, eqn.inputs, strict=True)):
            return eqn.op(*narrow, **eqn.attrs)
    operand = eqn.inputs[0]
    before = made.get(operand)
    inner = before if before is not None and before.op is eqn.op else None
    match eqn.op.name:
        case "index" if inner is not None:
            return _composed_index(eqn, inner)
        case "transpose":
            return _composed_transpose(eqn, inner)
        case "reshape" if inner is not None:
            return eqn.op(inner.inputs[0], **eqn.attrs)
        case "reshape" | "broadcast" | "cast" if operand.type == eqn.output.type:
            return operand
        case "cast" if inner is not None and _there_and_back(inner, eqn):
            return inner.inputs[0]
    return None


def _there_and_back(there: Eqn, back: Eqn) -> bool:
    """Whether a half is cast to a wider float and back."""
    narrow, wide = there.inputs[0].type.dtype, there.output.type.dtype
    return narrow.is_half and narrow is back.output.type.dtype and wide in (F32, F64)


def _narrow(value: Value, made: Made) -> Value:
    """What was broadcast: elementwise ops do that by themselves."""
    while value in made:
        maker = made[value]
        from_scalar = maker.op.name == "reshape" and not maker.inputs[0].type.rank
        if maker.op.name != "broadcast" and not from_scalar:
            break
        (value,) = maker.inputs
    return value


def _composed_transpose(eqn: Eqn, inner: Eqn | None) -> Value | None:
    axes = integers(eqn.attrs["axes"])
    if axes == tuple(range(len(axes))):
        return eqn.inputs[0]
    if inner is None:
        return None
    first = integers(inner.attrs["axes"])
    return eqn.op(inner.inputs[0], axes=tuple(first[k] for k in axes))


def _transposed_product(eqn: Eqn, made: Made) -> Value | None:
    """The transpose of a product that nothing else reads, as the product that gives it."""
    product = made.get(eqn.inputs[0])
    if product is None or not (_is_derived(eqn) and _is_derived(product)):
        return None
    if product.op.name == "einsum":
        operands, _, result = text(product.attrs["subscripts"]).partition("->")
        moved = "".join(result[k] for k in integers(eqn.attrs["axes"]))
        return product.op(*product.inputs, subscripts=f"{operands}->{moved}")
    if product.op.name != "matmul" or eqn.attrs["axes"] != (1, 0):
        return None
    a, b = product.inputs
    return product.op(_matrix_transpose(b, made), _matrix_transpose(a, made))


def _matrix_transpose(x: Value, made: Made) -> Value:
    if x in made and made[x].op.name == "transpose":
        return made[x].inputs[0]
    return OPS["transpose"](x, axes=(1, 0))


def _composed_index(eqn: Eqn, inner: Eqn) -> Value | None:
    """An element of a row is an element: otherwise the reverse would make a row of zeros for each."""
    if "at" in eqn.attrs or "at" in inner.attrs:
        return None
    return eqn.op(*inner.inputs, *eqn.inputs[1:])
