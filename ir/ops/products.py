"""Products of matrices and sums of products: linear in each operand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn, Value
from ..op import Op, Sample, Structural, multilinear
from ..types import ArrayType, Dim, broadcast_shapes
from . import attributes
from .arrays import on_expressions
from .elementwise import common_dtype, floating, matrix, vector
from .shape import broadcast, reshape, transpose


def transposed(a: Value) -> Value:
    """A matrix with its axes exchanged; a vector as it is."""
    return transpose(a, axes=(1, 0)) if a.type.rank == 2 else a


def outer(u: Value, v: Value) -> Value:
    """All products of the elements of two vectors."""
    return reshape(u, shape=(u.type.shape[0], 1)) * reshape(v, shape=(1, v.type.shape[0]))


# ---- matmul ----

_SIGNATURE = "(n?,k),(k,m?)->(n?,m?)"


def _matmul_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    common_dtype("matmul", types, floating)
    a, b = types
    for k, t in enumerate(types):
        if t.rank == 0:
            raise ShapeError(
                f"matmul: Input operand {k} does not have enough dimensions "
                f"(has 0, gufunc core with signature {_SIGNATURE} requires 1)"
            )
        if t.rank > 2:
            raise ShapeError(
                "matmul takes vectors and matrices; a product of stacks of matrices is an einsum"
            )
    if a.shape[-1] != b.shape[0]:
        raise ShapeError(
            "matmul: Input operand 1 has a mismatch in its core dimension 0, "
            f"with gufunc signature {_SIGNATURE} (size {b.shape[0]} is different from {a.shape[-1]})"
        )
    return (a.with_shape([*a.shape[:-1], *b.shape[1:]]),)


def _matmul_transpose(eqn: Eqn, k: int, ct: Value) -> Value:
    a, b = eqn.inputs
    match a.type.rank, b.type.rank, k:
        case 1, 1, _:
            return ct * eqn.inputs[1 - k]
        case _, 1, 0:
            return outer(ct, b)
        case 1, _, 0:
            return matmul(b, ct)
        case _, _, 0:
            return matmul(ct, transposed(b))
        case 1, _, _:
            return outer(a, ct)
        case _:
            return matmul(transposed(a), ct)


def _matmul_terms(types: Sequence[ArrayType], attrs: Attrs) -> Dim:
    """Rows times columns times the length of both."""
    a, b = types
    return a.size * b.with_shape(b.shape[1:]).size


matmul = Op(
    name="matmul",
    infer=_matmul_infer,
    numpy=np.matmul,
    derivative=multilinear(_matmul_transpose),
    lowering=Structural(),
    sympy=on_expressions(np.matmul),
    cost=2,
    terms=_matmul_terms,
    dear=True,
    samples=(
        Sample((matrix(-1, 1, 3, 4), matrix(-1, 1, 4, 2, seed=1))),
        Sample((matrix(-1, 1, 3, 4), vector(-1, 1, 4, seed=1))),
        Sample((vector(-1, 1, 3), matrix(-1, 1, 3, 2, seed=1))),
        Sample((vector(-1, 1, 3), vector(-1, 1, 3, seed=1))),
        Sample((np.zeros((3, 0)), np.zeros((0, 2)))),
        Sample((np.zeros((0, 3)), vector(-1, 1, 3))),
    ),
)


# ---- einsum ----


@dataclass(frozen=True)
class Contraction:
    """The labels of each operand's axes and of the result's axes; the others are summed over."""

    operands: tuple[str, ...]
    result: str

    @staticmethod
    def parse(subscripts: str) -> Contraction:
        """`ij,jk->ik`; ShapeError where the form is not explicit or labels do not fit together."""
        left, arrow, result = subscripts.replace(" ", "").partition("->")
        if not arrow:
            raise ShapeError(f"einsum takes subscripts with their result, ij,jk->ik, not {subscripts}")
        operands = tuple(left.split(","))
        for label in "".join((*operands, result)):
            if not (label.isascii() and label.isalpha()):
                raise ShapeError(
                    f"invalid subscript '{label}' in einstein sum subscripts string, "
                    "subscripts must be letters"
                )
        for label, times in Counter(result).items():
            if times > 1:
                raise ShapeError(
                    f"einstein sum subscripts string includes output subscript '{label}' multiple times"
                )
            if label not in left:
                raise ShapeError(
                    f"einstein sum subscripts string included output subscript '{label}' "
                    "which never appeared in an input"
                )
        return Contraction(operands, result)

    def sizes(self, types: Sequence[ArrayType]) -> dict[str, Dim]:
        """The size of each label; ShapeError where operands contradict each other."""
        found: dict[str, Dim] = {}
        for k, (labels, t) in enumerate(zip(self.operands, types, strict=True)):
            for label, size in zip(labels, t.shape, strict=True):
                if found.setdefault(label, size) != size:
                    raise ShapeError(
                        f"Size of label '{label}' for operand {k} ({size}) "
                        f"does not match previous terms ({found[label]})."
                    )
        return found


def contraction(eqn: Eqn) -> Contraction:
    """The subscripts of an einsum, taken apart; those of a matmul."""
    if eqn.op is einsum:
        return Contraction.parse(attributes.text(eqn.attrs["subscripts"]))
    a, b = ("ik"[2 - eqn.inputs[0].type.rank :], "kj"[: eqn.inputs[1].type.rank])
    return Contraction((a, b), (a + b).replace("k", ""))


def _einsum_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    common_dtype("einsum", types, floating)
    parsed = Contraction.parse(attributes.text(attrs["subscripts"]))
    if len(types) != len(parsed.operands):
        relation = "fewer" if len(types) < len(parsed.operands) else "more"
        raise ShapeError(
            f"{relation} operands provided to einstein sum function than specified in the subscripts string"
        )
    for k, (labels, t) in enumerate(zip(parsed.operands, types, strict=True)):
        if len(labels) > t.rank:
            raise ShapeError(f"einstein sum subscripts string contains too many subscripts for operand {k}")
        if len(labels) < t.rank:
            raise ShapeError("operand has more dimensions than subscripts given in einstein sum")
        if len(set(labels)) < len(labels):
            raise ShapeError(f"einsum of {labels}: a label stands once an operand; take the diagonal before")
    sizes = parsed.sizes(types)
    return (types[0].with_shape([sizes[label] for label in parsed.result]),)


def _einsum_terms(types: Sequence[ArrayType], attrs: Attrs) -> Dim:
    """One for each value of all labels together, and each operand after the first."""
    sizes = Contraction.parse(attributes.text(attrs["subscripts"])).sizes(types)
    return types[0].with_shape([*sizes.values(), max(1, len(types) - 1)]).size


def _einsum(*operands: Any, subscripts: str) -> Any:
    return np.asarray(np.einsum(subscripts, *operands))[()]


def _einsum_transpose(eqn: Eqn, k: int, ct: Value) -> Value:
    """The result and an operand change places; along a label that only this operand has, it is the same."""
    parsed, x = contraction(eqn), eqn.inputs[k]
    others = [v for j, v in enumerate(eqn.inputs) if j != k]
    labels = [*(c for j, c in enumerate(parsed.operands) if j != k), parsed.result]
    own = parsed.operands[k]
    present = "".join(c for c in own if c in "".join(labels))
    found = einsum(*others, ct, subscripts=f"{','.join(labels)}->{present}")
    if present == own:
        return found
    narrow = tuple(d if c in present else Dim.of(1) for c, d in zip(own, x.type.shape, strict=True))
    return broadcast(reshape(found, shape=narrow), shape=x.type.shape)


einsum = Op(
    name="einsum",
    infer=_einsum_infer,
    numpy=_einsum,
    derivative=multilinear(_einsum_transpose),
    lowering=Structural(),
    sympy=on_expressions(_einsum),
    cost=2,
    terms=_einsum_terms,
    dear=True,
    samples=(
        Sample((matrix(-1, 1, 3, 4), matrix(-1, 1, 4, 2, seed=1)), {"subscripts": "ij,jk->ik"}),
        Sample((matrix(-1, 1, 2, 3, 4), matrix(-1, 1, 2, 4, 2, seed=1)), {"subscripts": "bij,bjk->bik"}),
        Sample((matrix(-1, 1, 3, 4),), {"subscripts": "ij->j"}),
        Sample((matrix(-1, 1, 3, 4), vector(-1, 1, 2)), {"subscripts": "ij,k->i"}),
        Sample((vector(-1, 1, 2), vector(-1, 1, 3), matrix(-1, 1, 2, 3)), {"subscripts": "i,j,ij->"}),
        Sample((np.float64(0.7), vector(-1, 1, 3)), {"subscripts": ",i->i"}),
        Sample((np.zeros((2, 0)), np.zeros((0, 3))), {"subscripts": "ij,jk->ik"}),
    ),
)


def product(a: Value, b: Value) -> Value:
    """NumPy's `a @ b`: a matmul, or an einsum for stacks of matrices, which broadcast."""
    if a.type.rank <= 2 and b.type.rank <= 2:
        return matmul(a, b)
    batch = broadcast_shapes([a.type.shape[:-2], b.type.shape[:-2]])
    cores = [x.type.with_shape(x.type.shape[-2:]) for x in (a, b)]
    (core,) = _matmul_infer(cores, {}, ())
    (left, a_labels), (right, b_labels) = _stacked(a, "xy"), _stacked(b, "yz")
    result = [c for c in (*_LETTERS[len(batch) - 1 :: -1], *"xz") if c in a_labels + b_labels]
    found = einsum(left, right, subscripts=f"{a_labels},{b_labels}->{''.join(result)}")
    return reshape(found, shape=(*batch, *core.shape))


_LETTERS = "abcdefghijklmnopqrstuvw"


def _stacked(x: Value, core: str) -> tuple[Value, str]:
    """A stack without its axes of length 1, and labels: those of the stack are counted from its last axis."""
    core = core if x.type.rank > 1 else "y"
    depth = x.type.rank - len(core)
    kept = [k for k in range(depth) if x.type.shape[k].constant != 1]
    shape = (*(x.type.shape[k] for k in kept), *x.type.shape[depth:])
    return reshape(x, shape=shape), "".join(_LETTERS[depth - 1 - k] for k in kept) + core


OPS = (matmul, einsum)
