"""Rewrites statements: control flow becomes calls of the runtime on functions of the user's variables.

    for i in xs:                def __body_1(__item):
        s = s + i                   nonlocal i, s
                                    i = __item
                                    s = __c.local(s, 's') + __c.local(i, 'i')

                                def __get_1():
                                    return (i, s)

                                def __set_1(__values):
                                    nonlocal i, s
                                    i, s = __values

                                __c.for_(xs, __body_1, None, __get_1, __set_1, assigned=('i', 's'), ...)

`nonlocal`, and not parameters: so the closures that the user makes share the variables and keep binding them
late. For the same reason every local variable is given `__c.UNDEFINED` at the head of the function.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .expressions import SYMBOLS, Expressions, Scope
from .jumps import none_set, structure
from .liveness import Live, Names, assigned, live_sets, parameters
from .protocol import RESULT
from .syntax import (
    RUNTIME,
    assign,
    at,
    call,
    define,
    load,
    names,
    positional,
    statement,
    store,
    thunk,
)


def rewrite_function(
    name: str, arguments: ast.arguments, body: list[ast.stmt], place: ast.AST, around: Scope | None
) -> ast.FunctionDef:
    """The definition of a function, or of the function that a lambda is, as rewritten code."""
    given, variables = parameters(arguments), assigned(body)
    if ast.get_docstring(define(name, arguments, body, place)) is not None:
        body = body[1:] or [at(ast.Pass(), body[0])]
    structured = structure(body)
    scope = Scope(given - variables, variables, deferred=True, around=around)
    statements = _Statements(scope, live_sets(structured.body, structured.stops), structured.stops)
    head: list[ast.stmt] = []
    undefined = sorted((variables - given) | structured.flags)
    if undefined:
        nothing = ast.Attribute(load(RUNTIME), "UNDEFINED", ast.Load())
        head = [at(ast.Assign([store(variable) for variable in undefined], nothing), place)]
    return define(name, arguments, [*head, *statements.block(structured.body)], place)


class _Statements(Expressions):
    """The rewriting of one function's statements, which have no jumps any more."""

    def __init__(
        self, scope: Scope, live: Mapping[ast.stmt, Live], stops: Mapping[ast.stmt, tuple[str, ...]]
    ) -> None:
        super().__init__(scope)
        self.live = live
        self.stops = stops
        self.count = 0

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        done: list[ast.stmt] = []
        for item in body:
            new = self.visit(item)
            done += new if isinstance(new, list) else [new]
        return done

    def number(self) -> int:
        self.count += 1
        return self.count

    # Assignments -------------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        value = self.expression(node.value)
        if len(node.targets) == 1:
            return self.assign(node.targets[0], value, node)
        shared = f"__value_{self.number()}"
        done = [assign(store(shared), value, node)]
        for target in node.targets:
            done += self.assign(target, load(shared), node)
        return done

    def assign(self, target: ast.expr, value: ast.expr, place: ast.AST) -> list[ast.stmt]:
        """Assign to one target; `value` is evaluated first, once."""
        match target:
            case ast.Subscript():
                container, index = self.expression(target.value), self.index(target.slice)
                return [statement(call("set_item", value, container, index, place=place))]
            case ast.Attribute():
                name = ast.Constant(target.attr)
                return [
                    statement(call("set_attribute", value, self.expression(target.value), name, place=place))
                ]
            case ast.Tuple() | ast.List() if not _only_names(target):
                return self.unpack(target, value, place)
        return [assign(target, call("named", value, _pattern(target), place=place), place)]

    def unpack(self, target: ast.Tuple | ast.List, value: ast.expr, place: ast.AST) -> list[ast.stmt]:
        """Unpack into temporaries, then assign from left to right, as Python does."""
        parts: list[ast.expr] = []
        after: list[ast.stmt] = []
        for item in target.elts:
            part = f"__value_{self.number()}"
            if isinstance(item, ast.Starred):
                parts.append(ast.Starred(store(part), ast.Store()))
                after += self.assign(item.value, call("new", load(part), place=place), place)
            else:
                parts.append(store(part))
                after += self.assign(item, load(part), place)
        return [assign(ast.Tuple(parts, ast.Store()), value, place), *after]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        """Annotations of variables in a function do not run."""
        if node.value is None:
            return []
        return self.assign(node.target, self.expression(node.value), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        symbol = ast.Constant(SYMBOLS[type(node.op)])
        value, target = self.expression(node.value), node.target
        match target:
            case ast.Name():
                current = self.scope.read(at(ast.Name(target.id, ast.Load()), target))
                new = call("update", symbol, current, value, place=node)
                return assign(target, call("named", new, _pattern(target), place=node), node)
            case ast.Subscript():
                place = self.expression(target.value), self.index(target.slice)
                return statement(call("update_item", symbol, *place, thunk(value), place=node))
            case ast.Attribute():
                owner, name = self.expression(target.value), ast.Constant(target.attr)
                return statement(call("update_attribute", symbol, owner, name, thunk(value), place=node))

    # Control flow ------------------------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> list[ast.stmt]:
        number, variables = self.number(), assigned([*node.body, *node.orelse])
        branches = {f"__then_{number}": node.body, f"__else_{number}": node.orelse}
        test = self.test(node.test)
        run = call(
            "if_",
            test,
            *(load(name) for name in branches),
            *_accessors(number),
            assigned=names(variables),
            live_out=names(variables & self.live[node].out),
            line=ast.Constant(node.lineno),
            place=node.test,
        )
        thunks = [self.body(name, positional(), body, node) for name, body in branches.items()]
        return [*thunks, *_state(number, variables, node), statement(run)]

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        number, stops = self.number(), self.stops[node]
        take = assign(node.target, load("__item"), node.target)
        if not _is_builtin(node.iter):
            self.heads.add(node.iter)
        iterable = self.expression(node.iter)
        body = self.body(f"__body_{number}", positional("__item"), [take, *node.body], node)
        return self.loop("for_", number, node, body, node.iter, [iterable, load(body.name), _any_set(stops)])

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        number, stops = self.number(), self.stops[node]
        self.heads.add(node.test)
        test = ast.BoolOp(ast.And(), [none_set(stops), node.test]) if stops else node.test
        asked = self.test(at(test, node.test))
        body = self.body(f"__body_{number}", positional(), node.body, node)
        return self.loop("while_", number, node, body, node.test, [thunk(asked), load(body.name)])

    def loop(
        self,
        method: str,
        number: int,
        node: ast.For | ast.While,
        body: ast.FunctionDef,
        place: ast.AST,
        args: list[ast.expr],
    ) -> list[ast.stmt]:
        variables = assigned([node])
        run = call(
            method,
            *args,
            *_accessors(number),
            assigned=names(variables),
            live_head=names(variables & self.live[node].head),
            live_out=names(variables & self.live[node].out),
            line=ast.Constant(node.lineno),
            place=place,
        )
        return [body, *_state(number, variables, node), statement(run)]

    def body(
        self, name: str, arguments: ast.arguments, body: list[ast.stmt], place: ast.AST
    ) -> ast.FunctionDef:
        """A function that runs statements on the variables of the function around."""
        return define(name, arguments, [*_nonlocal(assigned(body)), *self.block(body)], place)

    # Other statements --------------------------------------------------------------------------------------

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        assert node.value is not None
        if isinstance(node.value, ast.Name) and node.value.id == RESULT:
            return at(ast.Return(call("returned", node.value, place=node)), node)
        return at(ast.Return(self.expression(node.value)), node)

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        message = thunk(self.expression(node.msg)) if node.msg else ast.Constant(None)
        return statement(call("assert_", self.test(node.test), message, place=node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> list[ast.stmt]:
        decorators = [f"__value_{self.number()}" for _ in node.decorator_list]
        before = [
            assign(store(name), self.expression(decorator), decorator)
            for name, decorator in zip(decorators, node.decorator_list, strict=True)
        ]
        definition = rewrite_function(node.name, self.defaults(node.args), node.body, node, self.scope)
        made = call("function", load(node.name), place=node)
        for name in reversed(decorators):
            made = call("call", load(name), made, place=node)
        return [*before, definition, assign(store(node.name), made, node)]


def _is_builtin(node: ast.expr) -> bool:
    """Whether a loop is over a range or the like, as most are: that marks nothing."""
    builtins = ("range", "zip", "enumerate", "reversed")
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in builtins


def _only_names(target: ast.expr) -> bool:
    """Whether a target may be left to Python: nothing but names, and no list made by a star."""
    if isinstance(target, ast.Tuple | ast.List):
        return all(_only_names(item) for item in target.elts)
    return isinstance(target, ast.Name)


def _pattern(target: ast.expr) -> ast.expr:
    """The name of a target, or a tuple of such for one that unpacks."""
    if isinstance(target, ast.Tuple | ast.List):
        return ast.Tuple([_pattern(item) for item in target.elts], ast.Load())
    assert isinstance(target, ast.Name)
    return ast.Constant(target.id)


def _nonlocal(variables: Names) -> list[ast.stmt]:
    return [ast.Nonlocal(sorted(variables))] if variables else []


def _state(number: int, variables: Names, place: ast.AST) -> list[ast.stmt]:
    """The functions that read and write the variables."""
    ordered = sorted(variables)
    values = ast.Tuple([load(name) for name in ordered], ast.Load())
    unpacked = ast.Tuple([store(name) for name in ordered], ast.Store())
    write = [*_nonlocal(variables), assign(unpacked, load("__values"), place)] if variables else []
    return [
        define(f"__get_{number}", positional(), [ast.Return(values)], place),
        define(f"__set_{number}", positional("__values"), write, place),
    ]


def _accessors(number: int) -> tuple[ast.expr, ast.expr]:
    return load(f"__get_{number}"), load(f"__set_{number}")


def _any_set(flags: tuple[str, ...]) -> ast.expr:
    """Whether a jump was met, asked after each trip."""
    first, *others = (load(flag) for flag in flags) if flags else (ast.Constant(None),)
    for other in others:
        first = call("or_", first, thunk(other), place=other)
    return thunk(first) if flags else first
