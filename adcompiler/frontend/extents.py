"""What a trace knows of sizes, and what it assumes of them.

A question about sizes is answered, in this order: by proof, from bounds of loops, the tests of the branches
around and guards taken before; by the sizes of the call that is traced, which becomes a guard; not at all,
where it depends on a loop index or on data.
"""

from __future__ import annotations

from collections.abc import Sequence

from adcompiler.ir import affine
from adcompiler.ir.errors import NeedsConcrete, ShapeError
from adcompiler.ir.graph import Constant, Value, constant
from adcompiler.ir.ops.arrays import bind as bind_op
from adcompiler.ir.ops.arrays import checked, size_value
from adcompiler.ir.ops.comparison import greater_equal
from adcompiler.ir.types import I64, Dim, Guard, Positive, Relation, Shape, shape_text

from .assumptions import Restart
from .frames import SizeBound, current, refuse
from .provenance import eliminated, is_opaque

# ---- values ----


def hint(dim: Dim) -> int | None:
    """The value of a Dim in the call that is traced; None if it depends on a loop index or on data."""
    hints = current().hints
    return dim.value(hints) if dim.names() <= hints.keys() else None


def shown(dim: Dim) -> str:
    """A size as messages show it: its value in this call, where it has one."""
    value = hint(dim)
    return str(dim if value is None else value)


def shown_shape(shape: Sequence[Dim]) -> str:
    """A shape as NumPy's messages show it: `(5, 3)`."""
    return shape_text([Dim.of(d if (h := hint(d)) is None else h) for d in shape])


def static(dim: Dim, use: str) -> int:
    """The value of a Dim that must be a plain integer: from now on its sizes are static."""
    if dim.constant is not None:
        return dim.constant
    if hint(dim) is None:
        refuse(
            f"{use} must be a plain integer, and {dim} changes within the program",
            "index an array with it instead of a list or dict, and give lengths and axes as constants",
            NeedsConcrete,
        )
    raise Restart({name: Dim.of(current().hints[name]) for name in dim.names()})


def value_of(dim: Dim) -> Value:
    """A Dim as an i64 value."""
    bound = current().bound(dim.name) if dim.name is not None else None
    return bound.value if bound is not None and bound.value is not None else size_value(dim)


# ---- questions ----


def proved(dim: Dim) -> bool:
    """Whether `dim >= 0` follows from what is known here."""
    if dim.never_negative():
        return True
    trace = current()
    frames = list(trace.frame.outwards())[::-1]
    bounds = {name: (b.low, b.high) for f in frames for name, b in f.sizes.items()}
    known = [*trace.guards, *(g for f in frames for g in f.facts)]
    facts = [g.dim for g in known if g.relation is Relation.NONNEGATIVE]
    return affine.nonnegative(dim, bounds, facts)


def proved_relation(dim: Dim, relation: Relation) -> bool | None:
    """Whether `dim relation 0`, where that follows from what is known here."""
    if dim.constant is not None:
        return Guard(dim, relation).holds({})
    if relation is Relation.NONNEGATIVE:
        return True if proved(dim) else False if proved(-dim - 1) else None
    facts = (g for f in current().frame.outwards() for g in f.facts if g.dim in (dim, -dim))
    known = next((g.relation for g in facts if g.relation is not Relation.NONNEGATIVE), None)
    if known is None and (proved(dim - 1) or proved(-dim - 1)):
        known = Relation.NONZERO
    return None if known is None else known is relation


def holds(dim: Dim, relation: Relation) -> bool | None:
    """Whether `dim relation 0`: by proof or by a guard; None if it depends on a loop index or on data."""
    known, value = proved_relation(dim, relation), hint(dim)
    if known is not None or value is None:
        return known
    if relation is Relation.NONNEGATIVE:
        assume(dim if value >= 0 else -dim - 1, relation)
        return value >= 0
    return _is_zero(dim, value) is (relation is Relation.ZERO)


def _is_zero(dim: Dim, value: int) -> bool:
    if value != 0:
        assume(dim, Relation.NONZERO)
        return False
    solution = _solution(dim)
    if solution is not None:
        raise Restart(solution)
    assume(dim, Relation.ZERO)
    return True


def assume(dim: Dim, relation: Relation) -> None:
    """A guard: it is checked at each call."""
    current().guards[Guard(dim, relation)] = None


def require(dim: Dim, kind: str, message: str, later: str | None = None) -> None:
    """`dim >= 0` from here on: proved, guarded, or checked at run time; an error where it does not hold.

    `later` is the message of the check: it may not speak of the sizes of the call that is traced.
    """
    truth = holds(dim, Relation.NONNEGATIVE)
    if truth is None or (truth is False and current().frame is not current().top):
        # in a loop or branch the line may never run
        checked(greater_equal(value_of(dim), constant(0, I64)), kind=kind, message=later or message)
    elif truth is False:
        raise {"IndexError": IndexError, "ValueError": ValueError}[kind](message)


# ---- equal sizes ----


def same_dim(a: Dim, b: Dim) -> bool:
    """Whether two sizes are equal in this call; then, from now on, they are one size."""
    if a == b:
        return True
    left, right = hint(a), hint(b)
    if left is None or left != right:
        _same_apart_from_loops(_inside(a) - _inside(b))
        return False
    lengths = _open_lengths(a - b) if a.name is None and b.name is None else frozenset()
    if lengths:
        raise Restart(lengths=lengths)
    raise _known_zero(a - b)


def _known_zero(difference: Dim) -> Restart:
    """From the start of the trace the difference of two sizes is zero."""
    hints = current().hints
    return Restart(_solution(difference) or {name: Dim.of(hints[name]) for name in difference.names()})


def _same_apart_from_loops(difference: Dim) -> None:
    """Start anew where only sizes equal in this call keep two sizes apart: `n - i - 1`, `m - i - 1`."""
    if difference.constant is None and hint(difference) == 0:
        raise _known_zero(difference)


def _inside(dim: Dim) -> Dim:
    """The e of a `max(e, 0)`, else the size itself."""
    match dim.terms:
        case (((Positive() as atom,), 1),):
            return atom.of
    return dim


def _open_lengths(difference: Dim) -> frozenset[Dim]:
    """The e >= 0 of the `max(e, 0)` in it."""
    found = (atom.of for atom in difference.atoms() if isinstance(atom, Positive))
    return frozenset(e for e in found if (hint(e) or 0) >= 0) - current().assumptions.lengths


def length(dim: Dim) -> Dim:
    """`max(dim, 0)`, in the same form wherever it is asked for."""
    if hint(dim) is None:
        return dim if proved(dim) else dim.positive()
    return dim if dim in current().assumptions.lengths else dim.positive()


def _solution(dim: Dim) -> dict[str, Dim] | None:
    """One size in terms of the others such that `dim` is zero; None where no size can be isolated."""
    hints = current().hints
    for name in sorted(dim.names(), key=list(hints).index, reverse=True):
        coefficient = dict(dim.terms).get((name,), 0)
        rest = dim - Dim.of(name) * coefficient
        if coefficient and name not in rest.names() and all(c % coefficient == 0 for _, c in rest.terms):
            return {name: (rest if coefficient < 0 else -rest) // abs(coefficient)}
    return None


def common_shape(shapes: Sequence[Shape]) -> Shape:
    """NumPy's broadcasting; sizes that are equal in this call become one.

    Raises
    ------
    ShapeError
        In NumPy's words, where the shapes do not fit together.
    """
    rank = max((len(s) for s in shapes), default=0)
    result: list[Dim] = []
    for axis in range(rank):
        dims = [s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0]
        size = Dim.of(1)
        for d in dims:
            if not fits(d, size) and not fits(size, d):
                given = " ".join(map(shown_shape, shapes))
                message = f"operands could not be broadcast together with shapes {given}"
                raise ShapeError(message, current().location())
            size = size if d.constant == 1 else d
        result.append(size)
    return tuple(result)


def fits(small: Dim, size: Dim) -> bool:
    """Whether an axis of size `small` broadcasts to `size`."""
    if small.constant == 1:
        return True
    if hint(small) == 1 != hint(size):
        static(small, "a size that is broadcast")
    return size.constant != 1 and same_dim(small, size)


# ---- sizes from data ----


def size_of(value: Value) -> Dim | None:
    """The polynomial in sizes that an i64 scalar is; None where no size stands for the data in it yet."""
    found = _reduced(value)
    return None if is_opaque(found) else found


def bound_size(value: Value, what: str) -> Dim:
    """The size that is the value of an i64 scalar, a new one if need be; it is checked not to be negative."""
    if isinstance(value, Constant):
        return Dim.of(int(value.data))
    polynomial = _reduced(value)
    if polynomial.name is not None and not is_opaque(polynomial):
        return polynomial
    checked(greater_equal(value, constant(0, I64)), kind="ValueError", message=f"{what} must not be negative")
    if not is_opaque(polynomial):
        return polynomial
    name = current().fresh_name("k")
    current().frame.builder.emit(bind_op, [value], {"size": name})
    current().frame.sizes[name] = SizeBound(value, Dim(), None, polynomial)
    return Dim.of(name)


def _reduced(value: Value) -> Dim:
    """The polynomial of an i64 scalar, in the sizes that are bound here as far as these go."""
    polynomial = current().provenance.polynomial(value)
    for frame in list(current().frame.outwards())[::-1]:
        for name, bound in frame.sizes.items():
            if bound.polynomial is not None:
                polynomial = eliminated(polynomial, name, bound.polynomial)
    return polynomial
