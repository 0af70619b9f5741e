"""Functions that put the results of a program into the structures that users see, written once a program.

What such a function costs is what building its tuples, lists and dicts costs in Python; other nodes of a tree
are put together by optree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import optree

Build = Callable[[Sequence[Any]], Any]


class Expression:
    """The source of an expression over `r`, what a program returns, and the constants in it."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {"unflatten": optree.tree_unflatten}

    def constant(self, value: Any) -> str:
        """A name for a value."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def tree(self, tree: optree.PyTreeSpec, leaves: Iterable[str]) -> str:
        """The source of a tree with leaves of these sources."""
        pending = iter(leaves)
        if tree.is_leaf():
            return next(pending)
        own = [[next(pending) for _ in range(child.num_leaves)] for child in tree.children()]
        if tree.type not in (tuple, list, dict, type(None)):
            return f"unflatten({self.constant(tree)}, [{', '.join(leaf for part in own for leaf in part)}])"
        parts = [self.tree(child, part) for child, part in zip(tree.children(), own, strict=True)]
        if tree.type is dict:
            found = dict(zip(tree.entries(), parts, strict=True))
            keys = optree.tree_unflatten(tree, range(tree.num_leaves))  # in the order of the user
            return "{" + ", ".join(f"{self.constant(key)}: {found[key]}" for key in keys) + "}"
        if tree.type is list:
            return f"[{', '.join(parts)}]"
        return several(parts) if tree.type is tuple else "None"

    def build(self, text: str) -> Build:
        """The function of `r` that an expression is."""
        made: Build = eval(f"lambda r: {text}", self.constants)
        return made


def several(parts: Iterable[str]) -> str:
    """The source of a tuple."""
    return "(" + "".join(f"{part}, " for part in parts) + ")"


def results(count: int, first: int = 0) -> list[str]:
    """The sources of results one after the other."""
    return [f"r[{first + k}]" for k in range(count)]
