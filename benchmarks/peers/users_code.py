"""A workload's module once more, with other libraries under the names that it imports."""

import importlib.util
import inspect
from types import ModuleType
from typing import Any


def rewritten(name: str, translated: ModuleType, **libraries: Any) -> ModuleType:
    """A copy of `workloads.name` with other libraries, and functions of `translated` for its own."""
    spec = importlib.util.find_spec(f"workloads.{name}")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    functions = dict(inspect.getmembers(translated, inspect.isfunction))
    others = {k: v for k, v in {**libraries, **functions}.items() if hasattr(module, k)}
    if hasattr(module, "cost"):  # the workload on which this one builds
        others["cost"] = rewritten("kmeans", translated, **libraries)
    vars(module).update(others)
    return module
