"""Running the loops of a Function in other orders than theirs: what independent trips do not notice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adcompiler.ir.evaluate import evaluate, numpy_rule
from adcompiler.ir.graph import Eqn, Function, walk
from adcompiler.ir.integers import integers
from adcompiler.ir.loops import loop_body, split
from adcompiler.ir.ops import OPS
from adcompiler.ir.parallel import Parallel, parallel
from adcompiler.ir.types import Sizes


def parallel_loops(f: Function) -> dict[Eqn, Parallel]:
    """The loops whose trips are independent."""
    known = integers(f.body)
    found = {eqn: parallel(eqn, known) for eqn in walk(f.body)}
    return {eqn: how for eqn, how in found.items() if how is not None}


def permuted(f: Function, args: Sequence[Any], sizes: Sizes, seed: int) -> tuple[Any, ...]:
    """The results if the trips of each parallel loop run one after the other in a random order."""
    rng = random.Random(seed)

    def run(how: Parallel, start: Sequence[Any], trips: int, trip: Callable[[int, Any], Any]) -> Any:
        state, items = list(start), {}
        for i in rng.sample(range(trips), trips):
            results = trip(i, state)
            state, items[i] = list(results[: len(state)]), results[len(state) :]
        return state, items

    return _evaluated(f, args, sizes, run)


def at_once(f: Function, args: Sequence[Any], sizes: Sizes) -> tuple[Any, ...]:
    """The results if each trip of each parallel loop starts from what there was before the loop."""

    def run(how: Parallel, start: Sequence[Any], trips: int, trip: Callable[[int, Any], Any]) -> Any:
        state, items = [np.array(x) for x in start], {}
        written = [np.zeros(np.shape(x), bool) for x in start]
        for i in range(trips):
            results = trip(i, start)
            items[i] = results[len(state) :]
            for k, (before, after) in enumerate(zip(start, results, strict=False)):
                if k in how.shared:
                    state[k] = state[k] + (after - before)
                    continue
                changed = np.asarray(after != before)
                assert not np.any(changed & written[k]), f"trip {i} changes what another one has changed"
                written[k] |= changed
                state[k] = np.where(changed, after, state[k])
        return [x[()] for x in state], items

    return _evaluated(f, args, sizes, run)


def _evaluated(f: Function, args: Sequence[Any], sizes: Sizes, run: Callable[..., Any]) -> tuple[Any, ...]:
    found = {loop_body(eqn): how for eqn, how in parallel_loops(f).items()}

    def rule(op: Any) -> Callable[..., Any]:
        return loop if op.name == "for" else numpy_rule(op)

    def loop(*operands: Any, length: int, blocks: Sequence[Any], **attrs: Any) -> tuple[Any, ...]:
        (body,) = blocks
        if body.block not in found:
            return OPS["for"].numpy(*operands, length=length, blocks=blocks, **attrs)
        given, trips = split(attrs, operands), max(length, 0)

        def trip(i: int, state: Sequence[Any]) -> Any:
            return body(np.int64(i), *state, *(x[i] for x in given.slices))

        state, items = run(found[body.block], [*given.carries, *given.sums], trips, trip)
        stacks = [
            body.stacked(len(state) + k, [items[i][k] for i in range(trips)], False)
            for k in range(len(body.results) - len(state))
        ]
        return (*state, *stacks)

    return evaluate(f, args, sizes, rule)
