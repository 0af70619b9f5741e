"""Rewrites expressions: what traced values do by themselves stays, the rest becomes calls of the runtime.

    f(x)             __c.call(f, x), and __c.head(f, x) at the head of a loop, if that is all there is
    [a, b]           __c.new([a, b])
    x.shape          __c.attribute(x, 'shape')
    x[i, 1:]         __c.item(x, (i, __c.slice(1, None, None)))
    a and b          __c.and_(a, lambda: b)
    a if t else b    __c.if_else(t, lambda: a, lambda: b)
    a < b < c        __c.compare(a, ('<', '<'), lambda: b, lambda: c)

The name of a variable becomes `__c.local(x, 'x')` where it may be without a value, `__c.enclosing(x, 'x')`
where it belongs to a captured function around, and `__c.outside(x, 'x', __function)` where it comes from
outside the capture. Arithmetic and single comparisons, but for `in`, are left to the operands. Where only the
truth of an operand of `and` or `or` matters, it becomes `__c.tested(a)`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .liveness import Names, assigned, parameters
from .syntax import FUNCTION, at, call, is_invented, load, thunk, without_annotations

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

_COMPREHENSIONS_ARE_FUNCTIONS = sys.version_info < (3, 12)
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Scope:
    """The names bound by one function or comprehension.

    `certain` always have a value; `checked` may have none. A scope that runs at once, as a list comprehension
    does, is not `deferred`.
    """

    certain: Names
    checked: Names
    deferred: bool
    around: Scope | None

    def read(self, name: ast.Name) -> ast.expr:
        """How rewritten code reads a name; the names it invents itself always have a value."""
        if is_invented(name.id):
            return name
        scope: Scope | None = self
        method = "local"
        while scope is not None:
            if name.id in scope.certain:
                return name
            if name.id in scope.checked:
                return call(method, name, ast.Constant(name.id), place=name)
            method = "enclosing" if scope.deferred else method
            scope = scope.around
        return call("outside", name, ast.Constant(name.id), load(FUNCTION), place=name)


class Expressions(ast.NodeTransformer):
    """The rewriting of expressions in one scope; the nodes it is given belong to it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.heads: set[ast.expr] = set()

    def expression(self, node: ast.expr) -> ast.expr:
        new = self.visit(node)
        assert isinstance(new, ast.expr)
        return new

    def within(self, certain: Names, deferred: bool) -> Expressions:
        """The rewriting inside a lambda or comprehension that binds these names."""
        return Expressions(Scope(certain, frozenset(), deferred, self.scope))

    # Names, attributes, items ------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.scope.read(node) if isinstance(node.ctx, ast.Load) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return call("attribute", self.expression(node.value), ast.Constant(node.attr), place=node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return call("item", self.expression(node.value), self.index(node.slice), place=node)

    def index(self, node: ast.expr) -> ast.expr:
        """What stands between the brackets, as a value."""
        match node:
            case ast.Slice():
                bounds = (node.lower, node.upper, node.step)
                given = (self.expression(bound) if bound else ast.Constant(None) for bound in bounds)
                return call("slice", *given, place=node)
            case ast.Tuple():
                return at(ast.Tuple([self.index(item) for item in node.elts], ast.Load()), node)
        return self.expression(node)

    # Calls and new objects ---------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function, *args = (self.expression(part) for part in (node.func, *node.args))
        keywords = [at(ast.keyword(item.arg, self.expression(item.value)), item) for item in node.keywords]
        new = call("head" if node in self.heads else "call", function, *args, place=node)
        assert isinstance(new, ast.Call)
        new.keywords = keywords
        return new

    def visit_display(self, node: ast.expr) -> ast.expr:
        new = self.generic_visit(node)
        assert isinstance(new, ast.expr)
        return call("new", new, place=node)

    visit_List = visit_Set = visit_Dict = visit_display

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        makes_list = any(isinstance(side, ast.List | ast.ListComp) for side in (node.left, node.right))
        new = at(ast.BinOp(self.expression(node.left), node.op, self.expression(node.right)), node)
        return call("new", new, place=node) if makes_list else new

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        inside = self.within(parameters(node.args), deferred=True)
        new = at(ast.Lambda(self.defaults(node.args), inside.expression(node.body)), node)
        return call("function", new, place=node)

    def defaults(self, arguments: ast.arguments) -> ast.arguments:
        """A parameter list without annotations, its defaults rewritten."""
        arguments = without_annotations(arguments)
        arguments.defaults = [self.expression(item) for item in arguments.defaults]
        arguments.kw_defaults = [item and self.expression(item) for item in arguments.kw_defaults]
        return arguments

    def visit_comprehension_expression(self, node: _Comprehension) -> ast.expr:
        lazy = isinstance(node, ast.GeneratorExp)
        targets = assigned(generator.target for generator in node.generators)
        inside = self.within(targets, deferred=lazy or _COMPREHENSIONS_ARE_FUNCTIONS)
        first = node.generators[0]
        first.iter = call("iterate", self.expression(first.iter), place=first.iter)
        for generator in node.generators:
            if generator is not first:
                generator.iter = call("iterate", inside.expression(generator.iter), place=generator.iter)
            generator.ifs = [call("condition", inside.test(test), place=test) for test in generator.ifs]
        if isinstance(node, ast.DictComp):
            node.key, node.value = inside.expression(node.key), inside.expression(node.value)
        else:
            node.elt = inside.expression(node.elt)
        return node if lazy else call("new", node, place=node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_comprehension_expression

    # What is evaluated only if needed ----------------------------------------------------------------------

    def test(self, node: ast.expr) -> ast.expr:
        """An expression of which only the truth matters."""
        return self.joined(node, self.truth) if isinstance(node, ast.BoolOp) else self.expression(node)

    def truth(self, node: ast.expr) -> ast.expr:
        """An operand of `and` or `or` in a test, as a bool."""
        new = self.test(node)
        is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        is_bool = is_not or isinstance(node, ast.BoolOp | ast.Compare)
        return new if is_bool else call("tested", new, place=node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return self.joined(node, self.expression)

    def joined(self, node: ast.BoolOp, rewritten: Callable[[ast.expr], ast.expr]) -> ast.expr:
        """`a and b and c`, its operands rewritten in one way or the other."""
        method = "and_" if isinstance(node.op, ast.And) else "or_"
        *first, result = (rewritten(value) for value in node.values)
        for value in reversed(first):
            result = call(method, value, thunk(result), place=node)
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            return call("not_", self.test(node.operand), place=node)
        return at(ast.UnaryOp(node.op, self.expression(node.operand)), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.test(node.test)
        then, otherwise = self.expression(node.body), self.expression(node.orelse)
        return call("if_else", test, thunk(then), thunk(otherwise), place=node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        left, *operands = (self.expression(part) for part in (node.left, *node.comparators))
        if len(node.ops) == 1 and not isinstance(node.ops[0], ast.In | ast.NotIn):
            return at(ast.Compare(left, node.ops, operands), node)
        operators = symbols(node.ops)
        return call("compare", left, operators, *(thunk(operand) for operand in operands), place=node)


def symbols(operators: Iterable[ast.AST]) -> ast.expr:
    """A tuple of the operators' symbols, in order."""
    return ast.Tuple([ast.Constant(SYMBOLS[type(operator)]) for operator in operators], ast.Load())
