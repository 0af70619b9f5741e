"""Run loops back by the inverses that users gave: nothing of their trips is kept.

The adjoint loop becomes one that carries the state too, from where the loop has ended. Each of its trips asks
the inverse for the state before that trip, evaluates what the tape would have held of it, and walks back.

So its states are not those that the loop had, but what the inverse makes of the last one, and two things are
checked. From the state before a trip the trip leads to the state after it, else the inverse is wrong. And at
the end stands the state that the loop began with, else errors that are small in a trip have grown on the way:
so they do where a loop forgets what it began with. What is undone so are the layers of some networks (Gomez
et al., The reversible residual network, 2017) and the steps of symplectic integrators.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import reduce
from itertools import accumulate, pairwise

from adcompiler.ir.build import emit, function, lookup, origin, renewed, replay, replay_origin, rewrite_inside
from adcompiler.ir.graph import Attr, Block, Eqn, Function, Value, constant, walk
from adcompiler.ir.loops import loop_body, split, trip_count, undoes
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import checked, size_value
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import Dim, DType
from adcompiler.transforms.inline import with_own_name
from adcompiler.transforms.legalise import REPLAYED

from .inverse import WAY_OUT, Inverse, without_inverse_steps
from .pairs import Pair, pairs

ROUNDING = 100
"""How many units in the last place of the largest element of the state are let pass."""

Environment = MutableMapping[Value, Value]


def run_back(source: Function) -> Function:
    """The Function in which adjoint loops follow the inverses of their loops; these are in it no longer.

    Loops keep their tapes that are read by more than one adjoint loop, as in derivatives of derivatives.

    Raises
    ------
    DerivativeError
        An inverse leaves out a variable that the way back needs, or needs one that is not there then.
    """
    if not any(eqn.op.name == "inverse_step" for eqn in walk(source.body)):
        return source
    taken = set(source.sizes)

    def write(*params: Value) -> Sequence[Value]:
        return _written(source.body, dict(zip(source.body.params, params, strict=True)), taken)

    params = [renewed(p) for p in source.body.params]
    written = function(
        source.name, params, write, ops=OPS, sizes=source.sizes, guards=source.guards, written=source.written
    )
    return without_inverse_steps(written)


def _written(source: Block, env: Environment, taken: set[str]) -> Sequence[Value]:
    """Write a block, in which and inside which loops run back; its results."""
    taken.update(str(e.attrs[e.op.binds]) for e in source.eqns if e.op.binds)
    trips = (trip_count(e.attrs).names() for e in source.eqns if e.op.loop)
    every = pairs(source, frozenset[str]().union(*trips))
    found = {pair.reverse: pair for pair in every if undoes(loop_body(pair.forward))}
    for eqn in source.eqns:
        if eqn in found:
            with origin(eqn.location, eqn.note):
                _WayBack(found[eqn], taken).write(env)
        elif eqn.blocks:
            rewrite_inside(eqn, env, lambda b, inner: _written(b, inner, taken))
        else:
            replay_origin(eqn, env)
    return [lookup(env, r) for r in source.results]


class _WayBack:
    """The adjoint loop of a loop that runs back."""

    def __init__(self, pair: Pair, taken: set[str]) -> None:
        self.pair, self.taken = pair, taken
        self.inverse = Inverse.of(pair)
        self.state = self.inverse.state
        self.floats = [k for k, n in enumerate(self.state) if self._param(n).type.dtype.is_float]

    def _param(self, number: int) -> Value:
        return self.inverse.body.params[1 + number]

    def write(self, env: Environment) -> None:
        """Write it; its results into the environment."""
        eqn, forward, inverse = self.pair.reverse, self.pair.forward, self.inverse
        given = split(eqn.attrs, [lookup(env, v) for v in eqn.inputs])
        start = [lookup(env, forward.inputs[n]) for n in self.state]
        last = [lookup(env, forward.outputs[n]) for n in self.state]
        largest = [_largest(last[k]) for k in self.floats]
        others = [*self.pair.others, *self._primal_slices()]
        widths = len(last), len(largest), len(largest), len(given.carries), len(given.sums)
        undo, again = inverse.undo(self.state), inverse.again(self.state)
        source = loop_body(eqn)

        def write(i: Value, *args: Value) -> Sequence[Value]:
            after, now, most, cotangents, sums, elements = _cut(args, *widths)
            inner = {**env, inverse.body.params[0]: i, source.params[0]: i}
            inner.update(zip((p for p, _ in others), elements, strict=True))
            inner.update(zip(source.params[1:], (*cotangents, *sums), strict=False))
            self._name_index(i)
            held = {inverse.body.results[n]: x for n, x in zip(self.state, after, strict=True)}
            inner.update((end, held[x]) for end, x in inverse.ends.items() if x in held)
            before = self._replayed(undo, inner)
            inner.update(zip(map(self._param, self.state), before, strict=True))
            reached, row = _cut(self._replayed(again, inner), len(after))
            sizes = [_largest(before[k]) for k in self.floats]
            bounds = [OPS["maximum"](a, b) for a, b in zip(now, sizes, strict=True)]
            self._check(reached, after, bounds, _WRONG)
            inner.update((param, row[k]) for param, k in self.pair.taken)
            results = split(eqn.attrs, _written(source, inner, self.taken))
            most = [OPS["maximum"](a, b) for a, b in zip(most, sizes, strict=True)]
            return [*before, *sizes, *most, *results.carries, *results.sums, *results.slices]

        outs = loop(
            trip_count(eqn.attrs),
            write,
            [*last, *largest, *largest, *given.carries],
            given.sums,
            [lookup(env, x) for _, x in others],
            reverse=bool(eqn.attrs.get("reverse")),
            index=_index_name(eqn) or _index_name(forward),
        )
        first, _, most, found = _cut(outs, *widths[:3])
        self._check(first, start, most, _DRIFTED)
        env.update(zip(eqn.outputs, found, strict=True))

    def _primal_slices(self) -> list[tuple[Value, Value]]:
        """Those of the loop itself: parameter of the body, and array."""
        attrs = self.pair.forward.attrs
        params = split(attrs, self.inverse.body.params[1:]).slices
        return list(zip(params, split(attrs, self.pair.forward.inputs).slices, strict=True))

    def _name_index(self, index: Value) -> None:
        """Sizes of the trip may mention the index under the name that it has in the loop."""
        name, named = _index_name(self.pair.forward), _index_name(self.pair.reverse)
        if name and named and name != named:
            emit(OPS["bind"], [index], {"size": name})

    def _replayed(self, source: Block, env: Environment) -> Sequence[Value]:
        """The results of a part of the body; the sizes that it binds have names of their own.

        What trip and inverse have in common is one, as for `cse` all that is replayed.
        """
        sizes: dict[str, Dim] = {}
        for eqn in source.eqns:
            binds = eqn.op.binds
            named = eqn if binds is None else with_own_name(eqn, binds, self.taken)
            with origin(eqn.location, REPLAYED):
                replay(named, env, sizes)
            if binds is not None:
                sizes[str(eqn.attrs[binds])] = Dim.of(str(named.attrs[binds]))
        return [lookup(env, r) for r in source.results]

    def _check(
        self, found: Sequence[Value], expected: Sequence[Value], largest: Sequence[Value], message: str
    ) -> None:
        """Check that states are the same: floats up to bounds in proportion to the largest elements."""
        with origin(self.pair.forward.location):
            bounds = dict(zip(self.floats, self._bounds(largest), strict=True))
            for k, (x, y) in enumerate(zip(found, expected, strict=True)):
                if x is y:  # the variable of before the trip, under another name
                    continue
                if k in bounds:
                    same = OPS["less_equal"](OPS["abs"](x - y), bounds[k])
                    most = f"by more than tolerance={self.inverse.tolerance} of its largest element"
                else:
                    same, most = OPS["equal"](x, y), "and is no float"
                name = self.inverse.name(self.state[k])
                checked(same, "ArithmeticError", message.format(name=name, most=most))

    def _bounds(self, largest: Sequence[Value]) -> list[Value]:
        """How far each variable may be off: its own share, or what rounding makes of the largest of all.

        A variable that is 0 comes back as the rounding error of what it was computed from.
        """
        found = []
        for own in largest:
            dtype = own.type.dtype
            whole = reduce(OPS["maximum"], (x for x in largest if x.type.dtype is dtype))
            found.append(OPS["maximum"](self.inverse.tolerance * own, ROUNDING * _epsilon(dtype) * whole))
        return found


def _epsilon(dtype: DType) -> float:
    return float(dtype.limits.eps)


_WRONG = (
    "`inverse` does not undo a trip of this loop: from what it gives, the trip leads to another {name} than "
    "it was given, {most}. Correct it; or " + WAY_OUT
)
_DRIFTED = (
    "`inverse` drifts: where it has run this loop back to, {name} is another than the loop began with, "
    "{most} on the way. Raise the tolerance; or " + WAY_OUT
)


def _largest(x: Value) -> Value:
    """The largest magnitude of an element; 0 where there is none."""
    magnitude, count = OPS["abs"](x), x.type.size
    if not x.type.rank:
        return magnitude

    def found() -> Sequence[Value]:
        return [OPS["max"](magnitude, axes=tuple(range(x.type.rank)))]

    zero = constant(0, x.type.dtype)
    if count.constant is not None:
        return found()[0] if count.constant else zero
    return branch(OPS["less"](0, size_value(count)), found, lambda: [zero])[0]


def _index_name(loop: Eqn) -> str | None:
    name: Attr = loop.attrs.get("index")
    assert isinstance(name, str | None)
    return name


def _cut(values: Sequence[Value], *widths: int) -> list[Sequence[Value]]:
    """The values in pieces of these widths, and what is left."""
    ends = [0, *accumulate(widths)]
    return [*(values[a:b] for a, b in pairwise(ends)), values[ends[-1] :]]
