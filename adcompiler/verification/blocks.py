"""The adjoint of a program, proven equation by equation.

Both programs run once on random numbers of 150 digits. Every value of the primal becomes a symbol, so do its
cotangent and each term of the chain rule that the cotangent is the sum of. A value of the adjoint that has
the number of one of these *is meant* to be it; what it is meant to be is then proven: SymPy differentiates
the primal's equation, and the adjoint's equation, written in the symbols of its operands, must be equal to
that as a polynomial. So each comparison is small, carries, slices and captured values are symbols, branches
are those that were taken, and nothing depends on how the adjoint was built or simplified. Which primal value
an equation reads is thereby observed, to 40 digits; how cotangents follow from each other is proven.

Of long loops the first two trips and the last one are looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.graph import Eqn

from .precise import negligible
from .symbolic import MOST_FRACTIONS, expression_of, formulas, rational, sign, symbol, terms, vanishes
from .tape import Backward, Edge, Number, Path, Run, Step, numbers

SECONDS_A_BLOCK = 5.0
KEY_BITS = 140

Key = tuple[Any, ...]
Loop = Eqn | None
"""The loop whose body a proof is about; None for the code outside loops."""


@dataclass(frozen=True)
class BlockProof:
    """What is known of one block: proven, or the reason why it is not."""

    loop: Loop
    reason: str | None = None

    @property
    def proven(self) -> bool:
        return self.reason is None


def key(number: Any) -> Key:
    """A number, rounded to some 40 digits."""
    from mpmath.libmp import mpf_pos

    rounded: Key = mpf_pos(number._mpf_, KEY_BITS, "n")
    return rounded


def prove_blocks(primal: Run, back: Backward, active: frozenset[Number], adjoint: Run) -> list[BlockProof]:
    """What is proven of the blocks of a program whose adjoint gives the right numbers.

    `primal` and `adjoint` are runs for the same arguments, `back` has the true cotangents of the primal's
    run.
    """
    seen = frozenset(key(n.value) for n in _all_numbers(adjoint))
    ledger = _Ledger(_Symbols({}, {}), primal, back, active, seen)
    checker = _Checker(ledger, adjoint)
    checker.run()
    return _summary(ledger, checker)


def _all_numbers(run: Run) -> Iterator[Number]:
    for x in run.params:
        yield from numbers(x)
    for step in run.steps:
        for y in step.outputs:
            yield from numbers(y)


def examined(run: Run) -> frozenset[Step]:
    """The steps in the first two trips and the last one of each loop."""
    last: Counter[Eqn] = Counter()
    for step in run.steps:
        for loop, i in step.path:
            last[loop] = max(last[loop], i)
    return frozenset(s for s in run.steps if all(i < 2 or i == last[loop] for loop, i in s.path))


def home(path: Path) -> Loop:
    """The innermost loop."""
    return path[-1][0] if path else None


@dataclass(frozen=True)
class _Symbols:
    """One symbol a number, shared by both programs, and where each of them is."""

    named: dict[Key, Any]
    point: dict[Any, Any]

    def of(self, number: Any, name: str) -> Any:
        """The symbol of a number; zero is zero."""
        if negligible(number):
            return 0
        found = self.named.get(key(number))
        if found is None:
            found = self.named[key(number)] = symbol(f"{name or 'v'}_{len(self.named)}", sign(number))
            self.point[found] = number
        return found


# ---- what is to be shown -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Claim:
    """A cotangent of the primal's run is the sum of its terms, or one term is slope times cotangent."""

    about: Number | Edge
    steps: tuple[Step, ...]


class _Ledger:
    """The symbols of the primal's run, and what is claimed of its cotangents."""

    def __init__(
        self, symbols: _Symbols, primal: Run, back: Backward, active: frozenset[Number], seen: frozenset[Key]
    ) -> None:
        self.symbols, self.back, self.seen = symbols, back, seen
        self.examined = examined(primal)
        self.order = {step: at for at, step in enumerate(primal.steps)}
        self.primal, self.made = _primal_expressions(symbols, primal)
        self.claims: dict[Key, list[Claim]] = {}
        self._slopes: dict[Step, dict[tuple[int, Number, Number], Any]] = {}
        self._sums: dict[Number, Any] = {}
        for n, edges in back.edges.items():
            for edge in edges:
                self._enter(edge.part, Claim(edge, (edge.step,)))
            if len(edges) > 1 or any(n is started for started, _ in back.seeds):
                self._enter(back.bars[n], Claim(n, tuple(e.step for e in edges)))

    def _enter(self, number: Any, claim: Claim) -> None:
        if not negligible(number):
            self.claims.setdefault(key(number), []).append(claim)

    def opened(self, expression: Any, claim: Claim) -> Any:
        """An expression with the results of the steps of a claim, and what they hand on, as formulas."""
        found: dict[Any, Any] = {}
        for step in dict.fromkeys(claim.steps):
            for formula in formulas(step):
                found[self.primal[formula.result]] = formula.at(self._expression)
            for n in {n for x in step.inputs for n in numbers(x)} & self.back.edges.keys():
                for edge in self.back.edges[n]:
                    if edge.step is step:
                        found[self._part(edge)] = self._term(edge)
                found[self._bar(n)] = self._sum(n)
        symbols = {s: f for s, f in found.items() if getattr(s, "is_Symbol", False)}
        return expression.xreplace(symbols)

    def unfolded(self, expression: Any, fully: bool = False) -> Any:
        """An expression with formulas for results of exp, sin ..., and for what depends on the rest.

        If `fully`, for all results, as long as the test for zero takes the expression on.
        """
        kept: set[Any] = set()
        while terms(expression) <= MOST_FRACTIONS:
            made = {s: self.made[s] for s in expression.free_symbols - kept if s in self.made}
            if not made:
                return expression
            last = max(made, key=lambda s: self.order[made[s][0]])
            step, at = made[last]
            formula = formulas(step)[at].at(self._expression)
            known = fully or formula.free_symbols <= expression.free_symbols
            if known or step.eqn.op.dear or not rational(step):
                expression = expression.xreplace({last: formula})
            else:
                kept.add(last)
        return expression

    def _expression(self, n: Number) -> Any:
        return expression_of(n, self.primal)

    def stated(self, claim: Claim) -> Any:
        """The right-hand side of a claim, in symbols."""
        return self._term(claim.about) if isinstance(claim.about, Edge) else self._sum(claim.about)

    def _sum(self, n: Number) -> Any:
        if n not in self._sums:
            seeds = (self.symbols.of(part, "seed") for started, part in self.back.seeds if started is n)
            self._sums[n] = sum(seeds, sum((self._part(e) for e in self.back.edges.get(n, ())), 0))
        return self._sums[n]

    def _part(self, edge: Edge) -> Any:
        """A term: a symbol if the adjoint has such a number."""
        if negligible(edge.part) or key(edge.part) in self.seen:
            return self.symbols.of(edge.part, f"{edge.source.name}_part")
        return self._term(edge)

    def _term(self, edge: Edge) -> Any:
        return self._slope(edge) * self._bar(edge.target)

    def _bar(self, n: Number) -> Any:
        """A cotangent: a symbol if the adjoint has such a number, else the sum that it is."""
        number = self.back.bars[n]
        return (
            self.symbols.of(number, f"{n.name}_bar")
            if negligible(number) or key(number) in self.seen
            else self._sum(n)
        )

    def _slope(self, edge: Edge) -> Any:
        if edge.step not in self._slopes:
            found: dict[tuple[int, Number, Number], Any] = {}
            for formula in formulas(edge.step):
                for k, source, slope in formula.slopes(self._expression, folded=True):
                    at = k, source, formula.result
                    found[at] = found.get(at, 0) + slope
            self._slopes[edge.step] = found
        return self._slopes[edge.step].get((edge.k, edge.source, edge.target), 0)


def _primal_expressions(symbols: _Symbols, run: Run) -> tuple[dict[Number, Any], dict[Any, tuple[Step, int]]]:
    """A symbol for every Number of the primal; what does not come from arguments is a number.

    And the step that made each symbol.
    """
    found = {n: symbols.of(n.value, n.name) for x in run.params for n in numbers(x)}
    made: dict[Any, tuple[Step, int]] = {}
    for step in run.steps:
        fixed = not any(True for x in step.inputs for _ in numbers(x))
        for at, n in enumerate(n for y in step.outputs for n in numbers(y)):
            if fixed:
                found[n] = formulas(step)[at].value
                continue
            new = not negligible(n.value) and key(n.value) not in symbols.named
            found[n] = symbols.of(n.value, n.name)
            if new:
                made[found[n]] = step, at
    return found, made


# ---- what is shown -----------------------------------------------------------------------------------------


class _Checker:
    """Walks over the adjoint's run: claims that were `shown`, and numbers that were left `undecided`."""

    def __init__(self, ledger: _Ledger, run: Run) -> None:
        self.ledger, self.adjoint = ledger, run
        self.symbols = ledger.symbols
        self.expressions: dict[Number, Any] = {}
        self.shown: set[Claim] = set()
        self.undecided: set[Key] = set()
        self.spent: dict[Loop, float] = {}

    def run(self) -> None:
        chosen = examined(self.adjoint)
        for x in self.adjoint.params:
            for n in numbers(x):
                self.expressions[n] = self.symbols.of(n.value, n.name)
        for step in self.adjoint.steps:
            self._step(step, step in chosen)

    def _step(self, step: Step, checking: bool) -> None:
        results = [n for y in step.outputs for n in numbers(y)]
        claimed = {n for n in results if key(n.value) in self.ledger.claims}
        named = {n for n in results if self._is_named(n)}
        self.expressions.update((n, self.symbols.of(n.value, n.name)) for n in named)
        if len(named) == len(results) and not (checking and claimed):
            return
        for formula in formulas(step):
            n = formula.result
            if n not in named:
                self.expressions[n] = formula.at(self._expression)
            elif checking and n in claimed:
                self._check(formula.at(self._expression), n, home(step.path))

    def _is_named(self, n: Number) -> bool:
        """Whether this is a number of the primal, or of what is claimed of its cotangents."""
        k = key(n.value)
        return negligible(n.value) or k in self.ledger.claims or k in self.symbols.named

    def _expression(self, n: Number) -> Any:
        return expression_of(n, self.expressions)

    def _check(self, own: Any, n: Number, block: Loop) -> None:
        """The adjoint's equation against what its number is meant to be; what is only moved shows nothing.

        Cotangents that happen to be equal share a number, and so may a sum on its way: what an equation is
        proven to state is replaced by its symbol, the rest stays as it is, and each claim must be stated by
        some equation.
        """
        if own == self.expressions[n]:
            return
        proven = [
            claim
            for claim in self.ledger.claims[key(n.value)]
            if self.ledger.stated(claim) != self.expressions[n] and self._in_time(own, claim, block)
        ]
        self.shown.update(proven)
        if not proven:
            self.expressions[n] = own
            self.undecided.add(key(n.value))

    def _in_time(self, own: Any, claim: Claim, block: Loop) -> bool:
        """`_states`, as long as the block has time left."""
        if self.spent.get(block, 0.0) > SECONDS_A_BLOCK:
            return False
        started = time.monotonic()
        found = self._states(own, claim)
        self.spent[block] = self.spent.get(block, 0.0) + time.monotonic() - started
        return found

    def _states(self, own: Any, claim: Claim) -> bool:
        """Whether an expression is what is claimed, as it stands or with formulas in place of symbols."""
        ledger, difference = self.ledger, own - self.ledger.stated(claim)
        forms: tuple[Callable[[], Any], ...] = (
            lambda: difference,
            lambda: ledger.unfolded(difference),
            lambda: ledger.opened(difference, claim),
            lambda: ledger.unfolded(ledger.opened(difference, claim)),
            lambda: ledger.unfolded(difference, fully=True),
        )
        return any(vanishes(form(), self.symbols.point) for form in forms)


def _name(claim: Claim) -> str:
    """Words for what a claim is about."""
    if isinstance(claim.about, Number):
        return f"the cotangent of {claim.about.name or 'a value'}"
    eqn = claim.about.step.eqn
    return f"what {eqn.op.name} hands to operand {claim.about.k}"


def _summary(ledger: _Ledger, checker: _Checker) -> list[BlockProof]:
    """One line a block in which there is something to prove."""
    reasons: dict[Loop, list[str]] = {}
    for claims in ledger.claims.values():
        for claim in claims:
            homes = {home(s.path) for s in claim.steps if s in ledger.examined}
            for block in homes:
                reasons.setdefault(block, []).extend(_open(claim, ledger, checker))
    return [BlockProof(block, next(iter(found), None)) for block, found in reasons.items()]


def _open(claim: Claim, ledger: _Ledger, checker: _Checker) -> Iterable[str]:
    """Why a claim is not shown; nothing where it is, or where there is nothing to show."""
    about = claim.about
    number = about.part if isinstance(about, Edge) else ledger.back.bars[about]
    if claim in checker.shown or key(number) not in ledger.seen or negligible(number):
        return ()
    if ledger.stated(claim) == ledger.symbols.of(number, ""):
        return ()
    how = "decided" if key(number) in checker.undecided else "followed"
    return (f"{_name(claim)} could not be {how}",)
