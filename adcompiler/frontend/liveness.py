"""Which variables a statement assigns, and which may still be read after it.

One backward pass over statements without jumps, to a fixed point in loops.

Needed for names only; writes to arrays are found while tracing. A name taken for dead here is `Undefined`
after a traced block, so that a mistake is an error and never a wrong number. A name taken for live without
need makes a loop carry it: hence the care about the scopes of comprehensions and lambdas.

What a closure reads is live everywhere, as the closure may be called anywhere. A lambda or a generator
expression that is itself an argument of a call counts as read where it stands: it is taken to be used up by
the call.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Function = ast.FunctionDef | ast.Lambda
_SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.FunctionDef, ast.Lambda)

Names = frozenset[str]


@dataclass(frozen=True)
class Live:
    """What may be read after a compound statement, and from before each trip of a loop."""

    out: Names
    head: Names = frozenset()


def live_sets(body: list[ast.stmt], stops: Mapping[ast.stmt, tuple[str, ...]]) -> dict[ast.stmt, Live]:
    """The live names of every `if`, `for` and `while` of a function's body without jumps."""
    analysis = _Liveness(stops, closure_reads(body))
    analysis.block(body, frozenset())
    return analysis.found


def assigned(nodes: Iterable[ast.AST]) -> Names:
    """The names that these statements or expressions assign in their own scope."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif not isinstance(node, _SCOPES):
            found |= assigned(ast.iter_child_nodes(node))
    return frozenset(found)


def parameters(arguments: ast.arguments) -> Names:
    """The names of all parameters."""
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    gathering = (argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None)
    return frozenset(argument.arg for argument in (*named, *gathering))


def reads(node: ast.AST | None) -> Names:
    """The names of the scope around that evaluating `node` may read, itself or in a closure that it makes."""
    match node:
        case None:
            return frozenset()
        case ast.Name():
            return frozenset({node.id}) if isinstance(node.ctx, ast.Load) else frozenset()
        case ast.FunctionDef() | ast.Lambda():
            return _defaults_read(node) | _body_reads(node)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return _comprehension_reads(node)
        case ast.AugAssign(target=ast.Name(id=name)):
            return reads(node.value) | {name}
        case ast.AnnAssign():
            return reads(node.target) | reads(node.value)
    return _union(reads(child) for child in ast.iter_child_nodes(node))


def closure_reads(nodes: Iterable[ast.AST]) -> Names:
    """The names of the surrounding scope that closures which may be called later read."""
    found: set[str] = set()
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.Lambda():
                found |= _body_reads(node)
            case ast.GeneratorExp():
                found |= _comprehension_reads(node)
            case ast.Call():
                arguments = (*node.args, *(keyword.value for keyword in node.keywords))
                used_up = [item for item in arguments if isinstance(item, ast.Lambda | ast.GeneratorExp)]
                inner = (child for item in used_up for child in ast.iter_child_nodes(item))
                kept = (item for item in arguments if item not in used_up)
                found |= closure_reads([node.func, *kept, *inner])
            case ast.ListComp() | ast.SetComp() | ast.DictComp():
                found |= closure_reads(ast.iter_child_nodes(node)) - _targets(node)
            case _:
                found |= closure_reads(ast.iter_child_nodes(node))
    return frozenset(found)


class _Liveness:
    def __init__(self, stops: Mapping[ast.stmt, tuple[str, ...]], everywhere: Names) -> None:
        self.stops = stops
        self.everywhere = everywhere
        self.found: dict[ast.stmt, Live] = {}

    def block(self, statements: list[ast.stmt], out: Names) -> Names:
        """The names live before the statements, from those live after them."""
        live = out
        for statement in reversed(statements):
            live = self.statement(statement, live) | self.everywhere
        return live

    def statement(self, node: ast.stmt, out: Names) -> Names:
        match node:
            case ast.If():
                self.found[node] = Live(out | self.everywhere)
                return reads(node.test) | self.block(node.body, out) | self.block(node.orelse, out)
            case ast.For():
                head = self.loop(node, assigned([node.target]), reads(node.target), out)
                return head | reads(node.iter)
            case ast.While():
                return self.loop(node, frozenset(), reads(node.test), out)
            case ast.Assign() | ast.AnnAssign(value=ast.expr()):
                return (out - assigned([node])) | reads(node)
            case ast.FunctionDef():
                return (out - {node.name}) | reads(node)
        return out | reads(node)

    def loop(self, node: ast.For | ast.While, targets: Names, asked: Names, out: Names) -> Names:
        """The names live where a trip begins or the loop ends; `asked` is read there by the loop itself."""
        asked = asked | frozenset(self.stops[node])
        head = out | asked
        while True:
            needed = (self.block(node.body, head) - targets) | asked
            if needed <= head:
                break
            head |= needed
        self.found[node] = Live(out | self.everywhere, needed | self.everywhere)
        return head


def _body_reads(node: _Function) -> Names:
    body = node.body if isinstance(node, ast.FunctionDef) else [node.body]
    return _union(reads(child) for child in body) - assigned(body) - parameters(node.args)


def _defaults_read(node: _Function) -> Names:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return _union(reads(child) for child in (*node.args.defaults, *node.args.kw_defaults, *decorators))


def _targets(node: _Comprehension) -> Names:
    return assigned(generator.target for generator in node.generators)


def _comprehension_reads(node: _Comprehension) -> Names:
    """The first iterable is evaluated outside, all the rest where the targets are bound."""
    inside = _union(reads(child) for child in ast.iter_child_nodes(node)) - _targets(node)
    return inside | reads(node.generators[0].iter)


def _union(sets: Iterable[Names]) -> Names:
    return frozenset().union(*sets)
