"""What is differentiated with respect to what: the user's choice of arguments, in terms of one program.

The same for a compiled call and for a derivative inside a captured function: both have a Function, a tree of
arguments some leaves of which are parameters, and a tree of results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optree

from .frontend.arguments import NAMESPACE
from .frontend.captured import Output
from .ir.errors import ArgumentError, DerivativeError
from .ir.graph import Function
from .pipeline import Options
from .structures import Build, Expression, results, several


@dataclass(frozen=True)
class Choice:
    """What a gradient function was made with; part of the specialisation key."""

    options: Options
    argnums: int | tuple[int, ...]
    argnames: tuple[str, ...] | None
    has_aux: bool

    @property
    def key(self) -> tuple[tuple[str, Any], ...]:
        """The choice as the specialisation key holds it."""
        return (
            ("options", self.options),
            ("argnums", self.argnums),
            ("argnames", self.argnames),
            ("has_aux", self.has_aux),
        )


@dataclass(frozen=True)
class Chosen:
    """One argument that is differentiated: its tree, and each leaf's place in `wrt` (None: not a float)."""

    name: str
    structure: optree.PyTreeSpec
    places: tuple[int | None, ...]

    def text(self, expression: Expression, gradients: Sequence[str]) -> str:
        """The gradients in the structure of the argument."""
        leaves = ["None" if place is None else gradients[place] for place in self.places]
        return expression.tree(self.structure, leaves)


@dataclass(frozen=True)
class Differentiation:
    """A program and the choice of what to differentiate in it.

    Attributes
    ----------
    function
        The program.
    names, structure
        The names of the user's parameters, `*args` with its star, and the tree of the arguments: one subtree
        a parameter.
    parameters
        For each leaf of the arguments the number of its parameter, None for one that is not traced.
    kinds
        What error messages call each leaf.
    outputs, result
        The leaves of what the user's function returns, and their tree.
    written
        The arguments that the function writes: name, and the result that holds the final contents.
    """

    function: Function
    names: tuple[str, ...]
    structure: optree.PyTreeSpec
    parameters: tuple[int | None, ...]
    kinds: tuple[str, ...]
    outputs: tuple[Output, ...]
    result: optree.PyTreeSpec
    choice: Choice
    written: tuple[tuple[str, int], ...] = ()

    # ---- arguments ----

    @cached_property
    def arguments(self) -> tuple[tuple[str, optree.PyTreeSpec], ...]:
        """The arguments as `argnums` counts them, those of `*args` one by one: a name and a tree each."""
        found: list[tuple[str, optree.PyTreeSpec]] = []
        for name, tree in zip(self.names, self.structure.children(), strict=True):
            if name.startswith("*"):
                found += [(f"{name[1:]}[{k}]", part) for k, part in enumerate(tree.children())]
            else:
                found.append((name, tree))
        return tuple(found)

    @cached_property
    def wrt(self) -> tuple[int, ...]:
        """The parameters of the Function that are differentiated."""
        leaves = (leaf for span in self._spans for leaf in span)
        return tuple(p for leaf in leaves if (p := self._float_parameter(leaf)) is not None)

    @cached_property
    def chosen(self) -> tuple[Chosen, ...]:
        """The user's arguments that are differentiated."""
        counter = iter(range(len(self.wrt)))
        return tuple(
            Chosen(
                *self.arguments[k],
                tuple(None if self._float_parameter(leaf) is None else next(counter) for leaf in span),
            )
            for k, span in zip(self._numbers, self._spans, strict=True)
        )

    @cached_property
    def _numbers(self) -> tuple[int, ...]:
        """Which of the user's parameters are differentiated."""
        names = [name for name, _ in self.arguments]
        if self.choice.argnames is not None:
            for name in self.choice.argnames:
                if name not in names:
                    raise ArgumentError(
                        f"there is no argument `{name}`", hint="the arguments are " + ", ".join(names)
                    )
            return tuple(names.index(name) for name in self.choice.argnames)
        numbers = self.choice.argnums
        chosen = (numbers,) if isinstance(numbers, int) else numbers
        for n in chosen:
            if not -len(names) <= n < len(names):
                raise ArgumentError(f"argnums={n}, but the function has {len(names)} arguments")
        return tuple(n % len(names) for n in chosen)

    @cached_property
    def _spans(self) -> tuple[range, ...]:
        """The leaves of each argument that is differentiated; at least one leaf of each is a float."""
        spans: list[range] = []
        for _, subtree in self.arguments:
            start = spans[-1].stop if spans else 0
            spans.append(range(start, start + subtree.num_leaves))
        chosen = tuple(spans[k] for k in self._numbers)
        for k, span in zip(self._numbers, chosen, strict=True):
            if all(self._float_parameter(leaf) is None for leaf in span):
                kind = self.kinds[span[0]] if len(span) == 1 else "a tree without floats"
                raise DerivativeError(
                    f"argument `{self.arguments[k][0]}` is {kind}, and has no derivative",
                    hint="pass a float or an array of floats, or choose others by argnums or argnames",
                )
        return chosen

    def _float_parameter(self, leaf: int) -> int | None:
        """The parameter of a leaf if it is a float."""
        number = self.parameters[leaf]
        if number is None or not self.function.body.params[number].type.dtype.is_float:
            return None
        return number

    # ---- results ----

    @cached_property
    def float_results(self) -> tuple[int, ...]:
        """The results of the program that are floats, in order."""
        results = self.function.body.results
        return tuple(k for k, r in enumerate(results) if r.type.dtype.is_float)

    @cached_property
    def loss(self) -> int:
        """The result that is differentiated: the returned scalar, or the first of (value, aux)."""
        tree, name = self.result, self.function.name
        if self.choice.has_aux:
            if tree.type is not tuple or len(tree.children()) != 2:
                raise DerivativeError(f"with has_aux=True `{name}` must return a pair (value, aux)")
            tree = tree.children()[0]
        if not tree.is_leaf():
            self._refuse_loss("several values" if self.outputs else "nothing")
        number = self.outputs[0].result
        if number is None:
            raise DerivativeError(
                f"the value that `{name}` returns, {self.outputs[0].static!r}, depends on no argument"
            )
        kind = self.function.body.results[number].type
        if kind.shape or not kind.dtype.is_float:
            self._refuse_loss(f"an array of {kind}" if kind.shape else f"a scalar of {kind.dtype.numpy}")
        return number

    def _refuse_loss(self, returned: str) -> None:
        raise DerivativeError(
            f"`{self.function.name}` returns {returned}, and a gradient needs one float scalar",
            hint="reduce it, by a sum say, return (value, aux) with has_aux=True, or use vjp",
        )

    # ---- trees ----

    @cached_property
    def returned(self) -> Build:
        """What the user's function returns, of the results of the program."""
        expression = Expression()
        return expression.build(self.returned_text(expression))

    def returned_text(self, expression: Expression) -> str:
        """The same as source."""
        leaves = (
            expression.constant(out.static) if out.result is None else f"r[{out.result}]"
            for out in self.outputs
        )
        return expression.tree(self.result, leaves)

    def value(self, results: Sequence[Any]) -> Any:
        """What is differentiated by vjp and jvp: what the function returns, with aux its first part.

        Where the function writes arguments, a pair of that and their final contents by name.
        """
        returned = self.returned(results)
        value = returned[0] if self.choice.has_aux else returned
        return (value, {name: results[k] for name, k in self.written}) if self.written else value

    def moved(self, tangents: Sequence[Any]) -> Any:
        """The tangent of `value`; None for leaves that are not floats."""
        found = dict(zip(self.float_results, tangents, strict=True))
        numbers, tree = self._value_leaves
        return optree.tree_unflatten(tree, [None if k is None else found.get(k) for k in numbers])

    @cached_property
    def _value_leaves(self) -> tuple[list[int | None], optree.PyTreeSpec]:
        """The result that each leaf of `value` is, None for one known already, and the tree of `value`."""
        tree = self.result.children()[0] if self.choice.has_aux else self.result
        numbers = [out.result for out in self.outputs[: tree.num_leaves]]
        if self.written:
            leaves: Any = optree.tree_unflatten(tree, range(tree.num_leaves))
            numbers += [k for _, k in sorted(self.written)]
            whole: Any = (leaves, dict.fromkeys(dict(self.written), 0))
            tree = optree.tree_structure(whole, namespace=NAMESPACE)
        return numbers, tree

    @cached_property
    def assemble(self) -> Build:
        """The gradients as the user chose: bare, a tuple, or a dict."""
        expression = Expression()
        return expression.build(self.gradient_text(expression, results(len(self.wrt))))

    @cached_property
    def assemble_tuple(self) -> Build:
        """The gradients, one an argument."""
        expression = Expression()
        return expression.build(self.tuple_text(expression, results(len(self.wrt))))

    def tuple_text(self, expression: Expression, gradients: Sequence[str]) -> str:
        """Gradients of these sources, one an argument."""
        return several(c.text(expression, gradients) for c in self.chosen)

    def gradient_text(self, expression: Expression, gradients: Sequence[str]) -> str:
        """Gradients of these sources, as the user chose."""
        if self.choice.argnames is not None:
            parts = (f"{c.name!r}: {c.text(expression, gradients)}" for c in self.chosen)
            return "{" + ", ".join(parts) + "}"
        if isinstance(self.choice.argnums, int):
            return self.chosen[0].text(expression, gradients)
        return self.tuple_text(expression, gradients)

    def out_leaves(self, out: Any) -> list[tuple[str, int, Any]]:
        """Of the arrays that users bring for the gradient: the name, the place in `wrt`, and the array."""
        if self.choice.argnames is not None:
            if not isinstance(out, dict) or out.keys() != {c.name for c in self.chosen}:
                names = ", ".join(c.name for c in self.chosen)
                raise ArgumentError(f"out must be a dict like the gradient, with the keys {names}")
            trees = [out[c.name] for c in self.chosen]
        elif isinstance(self.choice.argnums, int):
            trees = [out]
        else:
            if not isinstance(out, tuple | list) or len(out) != len(self.chosen):
                raise ArgumentError(f"out must be a tuple like the gradient, of {len(self.chosen)} entries")
            trees = list(out)
        found = []
        for chosen, tree in zip(self.chosen, trees, strict=True):
            what = f"out for `{chosen.name}`"
            leaves = [] if tree is None else matching_leaves(tree, chosen.structure, what)
            for leaf, place in zip(leaves, chosen.places, strict=False):
                if leaf is not None and place is None:
                    raise ArgumentError(f"{what} has an array where the gradient is None: that is no float")
                if leaf is not None and place is not None:
                    found.append((what, place, leaf))
        return found

    def tangent_leaves(self, tangents: Sequence[Any]) -> list[tuple[str, int, Any]]:
        """For each parameter in `wrt`: what messages call its tangent, its number, and the tangent."""
        found = []
        for chosen, tangent in zip(self.chosen, tangents, strict=True):
            what = f"the tangent of `{chosen.name}`"
            leaves = matching_leaves(tangent, chosen.structure, what)
            for leaf, place in zip(leaves, chosen.places, strict=True):
                if place is not None:
                    found.append((what, self.wrt[place], leaf))
        return found

    def cotangent_leaves(self, cotangent: Any) -> dict[int, Any]:
        """The cotangent given for each result of the program that `value` holds."""
        numbers, tree = self._value_leaves
        leaves = matching_leaves(cotangent, tree, "the cotangent")
        pairs = zip(numbers, leaves, strict=True)
        return {number: leaf for number, leaf in pairs if number is not None and leaf is not None}


def matching_leaves(tree: Any, structure: optree.PyTreeSpec, what: str) -> list[Any]:
    """The leaves of a tree that must have this structure; None stands for a leaf left out."""
    try:
        return structure.flatten_up_to(tree)
    except ValueError:
        actual = optree.tree_structure(tree, namespace=NAMESPACE)
        raise ArgumentError(f"{what} has the structure {actual}, where {structure} is expected") from None
