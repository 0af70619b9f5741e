"""Whether what was traced in a block may be used after it."""

from __future__ import annotations

from typing import Any

from adcompiler.ir.graph import Constant, Value
from adcompiler.ir.types import Dim

from .facts import in_scope
from .frames import current
from .scalars import TracedScalar
from .sizes import Size, SizePredicate
from .views import Path, positions


def outlives(leaf: Any) -> bool:
    """Whether a traced leaf of a block that was left is known in the current one."""
    if type(leaf) in (Size, SizePredicate):
        return in_scope(leaf.dim)
    if type(leaf) is TracedScalar:
        return _at_home(leaf.value)
    return leaf.cell.frame.encloses(current().frame) and _path_in_scope(leaf.path)


def _at_home(value: Value) -> bool:
    return isinstance(value, Constant) or current().homes[value].encloses(current().frame)


def _path_in_scope(path: Path) -> bool:
    given = positions(path)
    sizes = [d for step in path for d in step.shape]
    sizes += [p for p in given if isinstance(p, Dim)]
    return all(map(in_scope, sizes)) and all(_at_home(p) for p in given if isinstance(p, Value))
