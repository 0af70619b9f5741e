"""Trees of axes, as `vmap` takes them: one for each leaf of a tree, or for all leaves of a part of it."""

from __future__ import annotations

import operator
from typing import Any

import optree

from adcompiler.ir.errors import ArgumentError

from .arguments import NAMESPACE, flatten
from .frames import current


def checked_axes(axes: Any, what: str, allowed: str) -> Any:
    """The tree with plain ints for axes; None may be among them if it is `allowed`.

    Raises
    ------
    ArgumentError
        For anything else in it.
    """

    def checked(axis: Any) -> int | None:
        if axis is None and "None" in allowed:
            return None
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise ArgumentError(f"{what} must be {allowed}, or a tuple, list or dict of such, not {axis!r}")
        return operator.index(axis)

    flatten(axes)  # dataclasses are trees from then on
    return optree.tree_map(checked, axes, none_is_leaf=True, namespace=NAMESPACE)


def axes_key(axes: Any) -> tuple[Any, ...]:
    """A tree of axes as a specialisation key holds it."""
    found, structure = optree.tree_flatten(axes, none_is_leaf=True, namespace=NAMESPACE)
    return (*found, structure)


def leaf_axes(axes: Any, tree: Any, what: str) -> list[int | None]:
    """The axis of each leaf of a tree, of which `axes` is an upper part.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    try:
        every = optree.broadcast_prefix(axes, tree, none_is_leaf=True, namespace=NAMESPACE)
    except ValueError:
        structure = optree.tree_structure(tree, namespace=NAMESPACE)
        message = f"{what}={axes!r} does not fit the structure {structure}"
        raise ArgumentError(message, current().location()) from None
    leaves = optree.tree_leaves(tree, none_is_leaf=True, namespace=NAMESPACE)
    return [axis for axis, leaf in zip(every, leaves, strict=True) if leaf is not None]


def in_front(axis: int, rank: int) -> tuple[int, ...]:
    """The axes of an array in their order, but with this one first."""
    return axis, *(a for a in range(rank) if a != axis)
