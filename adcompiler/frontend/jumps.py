"""Turns `break`, `continue` and `return` into structure, so that a statement list runs from top to bottom.

- A branch that always jumps takes no flag: what follows the `if` moves into the other branch.

      if c: continue                      if c: pass
      rest                      =>        else: rest

- A branch that jumps on some of its paths sets a flag, and what follows runs under `if not flag`.
- A loop that `break` or `return` may leave lists the flags that stop it; the rewriting asks for them after
  each trip. `continue` never stops a loop, so a `for` without other jumps stays a plain `for`.
- The `else` of a loop becomes an `if` on its flags.
- `return value` sets `__result`; a function that can fall off its end gets its `return None`. A function
  whose only `return` is its last statement keeps it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass

from .protocol import RESULT, RETURNED
from .syntax import assign, at, load, store

_Loop = ast.For | ast.While


@dataclass(frozen=True)
class Structured:
    """Statements without jumps.

    `stops` has the flags that stop each loop, and `flags` every name that was invented.
    """

    body: list[ast.stmt]
    stops: dict[ast.stmt, tuple[str, ...]]
    flags: frozenset[str]


def structure(body: list[ast.stmt]) -> Structured:
    """The body of a function without jumps; it ends with its only `return`."""
    if not _always_jumps(body):
        body = [*body, at(ast.Return(None), body[-1])]
    work = _Structuring()
    if isinstance(body[-1], ast.Return) and "return" not in _jumps(body[:-1]):
        statements, _ = work.block(body[:-1], None)
        value = body[-1].value or at(ast.Constant(None), body[-1])
        last = at(ast.Return(value), body[-1])
        invented = work.tested
    else:
        statements, _ = work.block(body, None)
        last = at(ast.Return(load(RESULT)), body[-1])
        invented = work.tested | {RESULT}
        if RETURNED in work.tested:
            statements.insert(0, _flag(RETURNED, False, body[0]))
    pruned = _without_flags(statements, work.set_flags - work.tested)
    return Structured([*pruned, last], work.stops, frozenset(invented))


@dataclass(frozen=True)
class _Flags:
    """The flags of the loop around."""

    broke: str
    continued: str


class _Structuring:
    """One function's rewriting; each method answers with statements and the flags they may set."""

    def __init__(self) -> None:
        self.loops = 0
        self.stops: dict[ast.stmt, tuple[str, ...]] = {}
        self.tested: set[str] = set()
        self.set_flags: set[str] = set()

    def block(self, statements: list[ast.stmt], loop: _Flags | None) -> tuple[list[ast.stmt], set[str]]:
        done: list[ast.stmt] = []
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            match statement:
                case ast.Return() | ast.Break() | ast.Continue():
                    jump, flag = self.jump(statement, loop)
                    return [*done, *jump], {flag}
                case ast.If() if _jumps([statement]):
                    new, flags, rest = self.jumping_if(statement, rest, loop)
                case ast.If():
                    new, flags = [self.branches(statement, statement.body, statement.orelse, loop)[0]], set()
                case ast.For() | ast.While():
                    new, flags = self.loop(statement, loop)
                    rest = [] if _always_jumps([statement]) else rest
                case _:
                    new, flags = [statement], set()
            done += new
            if flags or _always_jumps([statement]):
                guarded, more = self.guarded(flags, rest, statement, loop)
                return [*done, *guarded], flags | more
        return done, set()

    def jump(self, statement: ast.stmt, loop: _Flags | None) -> tuple[list[ast.stmt], str]:
        match statement:
            case ast.Return(value=value):
                result = value or at(ast.Constant(None), statement)
                kept = assign(store(RESULT), result, statement)
                return [kept, self.flag(RETURNED, True, statement)], RETURNED
            case ast.Break():
                assert loop is not None, "Python itself refuses a `break` outside a loop"
                return [self.flag(loop.broke, True, statement)], loop.broke
            case _:
                assert loop is not None, "Python itself refuses a `continue` outside a loop"
                return [self.flag(loop.continued, True, statement)], loop.continued

    def jumping_if(
        self, node: ast.If, rest: list[ast.stmt], loop: _Flags | None
    ) -> tuple[list[ast.stmt], set[str], list[ast.stmt]]:
        """An `if` with jumps, the flags after it, and what still is to run under `not flags`."""
        then_jumps, else_jumps = _always_jumps(node.body), _always_jumps(node.orelse)
        then, otherwise = node.body, node.orelse
        if then_jumps and not else_jumps:
            otherwise = otherwise + rest
        elif else_jumps and not then_jumps:
            then = then + rest
        new, flags = self.branches(node, then, otherwise, loop)
        return [new], flags, [] if then_jumps or else_jumps else rest

    def branches(
        self, node: ast.If, then: list[ast.stmt], otherwise: list[ast.stmt], loop: _Flags | None
    ) -> tuple[ast.stmt, set[str]]:
        new_then, then_flags = self.block(then, loop)
        new_otherwise, else_flags = self.block(otherwise, loop)
        return at(ast.If(node.test, new_then, new_otherwise), node), then_flags | else_flags

    def loop(self, node: _Loop, around: _Flags | None) -> tuple[list[ast.stmt], set[str]]:
        """A loop, and the flags of jumps that go further than itself."""
        self.loops += 1
        own = _Flags(f"__broke_{self.loops}", f"__continued_{self.loops}")
        body, flags = self.block(node.body, own)
        if own.continued in flags:
            body = [self.flag(own.continued, False, node), *body]
        new = copy.copy(node)
        new.body, new.orelse = body, []
        stops = tuple(flag for flag in (own.broke, RETURNED) if flag in flags)
        self.stops[new] = stops
        self.tested |= set(stops)
        before = [self.flag(own.broke, False, node)] if own.broke in flags else []
        after, else_flags = self.guarded(set(stops), node.orelse, node, around)
        return [*before, new, *after], (flags & {RETURNED}) | else_flags

    def guarded(
        self, flags: set[str], statements: list[ast.stmt], place: ast.stmt, loop: _Flags | None
    ) -> tuple[list[ast.stmt], set[str]]:
        """The statements under `if not flags`."""
        if not statements:
            return [], set()
        body, more = self.block(statements, loop)
        if not flags:
            return body, more
        self.tested |= flags
        return [at(ast.If(none_set(sorted(flags)), body, []), place)], more

    def flag(self, name: str, value: bool, place: ast.stmt) -> ast.stmt:
        self.set_flags.add(name)
        return _flag(name, value, place)


def none_set(flags: Iterable[str]) -> ast.expr:
    """The expression `not flag and not other and ...`."""
    tests: list[ast.expr] = [ast.UnaryOp(ast.Not(), load(flag)) for flag in flags]
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


def _jumps(statements: list[ast.stmt]) -> set[str]:
    """The jumps that leave these statements."""
    found: set[str] = set()
    for statement in statements:
        match statement:
            case ast.Return():
                found.add("return")
            case ast.Break():
                found.add("break")
            case ast.Continue():
                found.add("continue")
            case ast.If():
                found |= _jumps(statement.body) | _jumps(statement.orelse)
            case ast.For() | ast.While():
                found |= (_jumps(statement.body) & {"return"}) | _jumps(statement.orelse)
    return found


def _always_jumps(statements: list[ast.stmt]) -> bool:
    """Whether the end of these statements is out of reach."""
    return any(_always_jumps_at(statement) for statement in statements)


def _always_jumps_at(statement: ast.stmt) -> bool:
    match statement:
        case ast.Return() | ast.Break() | ast.Continue():
            return True
        case ast.If():
            return _always_jumps(statement.body) and _always_jumps(statement.orelse)
        case ast.While(test=ast.Constant(value=value)) if value and "break" not in _jumps(statement.body):
            return True
        case ast.For() | ast.While():
            return "break" not in _jumps(statement.body) and _always_jumps(statement.orelse)
    return False


def _without_flags(statements: list[ast.stmt], flags: set[str]) -> list[ast.stmt]:
    """Drop assignments to flags that nothing tests."""
    kept: list[ast.stmt] = []
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) if name in flags:
                continue
            case ast.If() | ast.For() | ast.While():
                statement.body = _without_flags(statement.body, flags) or [at(ast.Pass(), statement)]
                statement.orelse = _without_flags(statement.orelse, flags)
        kept.append(statement)
    return kept


def _flag(name: str, value: bool, place: ast.stmt) -> ast.stmt:
    return assign(store(name), ast.Constant(value), place)
