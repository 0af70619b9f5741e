"""Which calls that are not captured may run while tracing.

A library function of plain Python values runs once, and its result is a constant of the program. That is
right only if it would give the same result each time: random numbers, clocks, files and the like are
refused. A function that is not captured and is given a traced value is refused as well, unless it leaves
what is done to it to the value.
"""

from __future__ import annotations

import random
import types
from typing import Any

import numpy as np

_IMPURE_MODULES = frozenset(
    "random secrets time uuid os io posix nt socket subprocess shutil tempfile threading multiprocessing "
    "asyncio sys pickle urllib http ctypes gc weakref signal select _random _io _pickle _socket".split()
)
_IMPURE_PREFIXES = ("numpy.random", "scipy.io", "concurrent.", "urllib.", "http.")
_IMPURE_OWNERS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
_IMPURE_FUNCTIONS = frozenset(
    "open input breakpoint now today utcnow load loadtxt genfromtxt fromfile save savez savez_compressed "
    "savetxt tofile memmap delattr exec eval compile __import__".split()
)
_IMPURE_NAMESPACES = ("builtins", "numpy", "numpy.lib", "datetime", "_io", "posix", "pathlib")

_TRANSPARENT_MODULES = frozenset("_operator operator itertools functools _functools collections".split())
_TRANSPARENT = frozenset(
    (
        tuple,
        list,
        dict,
        set,
        map,
        filter,
        iter,
        next,
        isinstance,
        issubclass,
        type,
        callable,
        hasattr,
        slice,
    )
)
MUTATORS = frozenset(
    "append extend insert pop remove clear sort reverse update setdefault add discard popitem".split()
)
"""Methods of lists, dicts and sets that change them."""

_METHODS_OF = (list, dict, tuple, set, frozenset, str)


def module_of(function: Any) -> str:
    """The module that a function, a class or a bound method of a library belongs to."""
    if isinstance(function, np.ufunc):
        return "numpy"
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, types.ModuleType):
        return str((owner if isinstance(owner, type) else type(owner)).__module__)
    return str(getattr(function, "__module__", None) or "")


def name_of(function: Any) -> str:
    """What messages call a function: `np.random.normal`, `time.time`, `len`."""
    if isinstance(function, np.vectorize):
        return "np.vectorize(...)"
    own = getattr(function, "__name__", type(function).__name__)
    name = str(getattr(function, "__qualname__", "") or own)
    owner = getattr(function, "__self__", None)
    module = module_of(function)
    if isinstance(owner, _IMPURE_OWNERS) and module.startswith("numpy.random"):
        return "np.random." + name.split(".")[-1]
    module = module.lstrip("_").replace("numpy", "np", 1)
    return name if module in ("", "builtins", "io") else f"{module}.{name}"


def impure(function: Any) -> bool:
    """Whether a library function is known to depend on more than its arguments, or to do more than return."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, _IMPURE_OWNERS):
        return True
    module, name = module_of(function), str(getattr(function, "__name__", ""))
    if module in _IMPURE_MODULES or module.startswith(_IMPURE_PREFIXES):
        return True
    return name in _IMPURE_FUNCTIONS and module.startswith(_IMPURE_NAMESPACES)


def hands_on(function: Any) -> bool:
    """Whether a library function leaves it to traced arguments what is done to them, as NumPy does."""
    if isinstance(function, np.ufunc) or module_of(function) in _TRANSPARENT_MODULES:
        return True
    try:
        if function in _TRANSPARENT:
            return True
    except TypeError:
        return False
    owner = getattr(function, "__self__", None)
    if isinstance(owner, (*_METHODS_OF, np.ufunc)) or (
        isinstance(function, type) and issubclass(function, BaseException)
    ):
        return True
    if isinstance(function, type):
        return issubclass(function, tuple)
    return dispatched(function)


def dispatched(function: Any) -> bool:
    """Whether NumPy asks the arguments of this function for their own implementation."""
    return type(function).__name__ == "_ArrayFunctionDispatcher"


def instead_of(function: Any) -> str:
    """What to do instead of calling what is not captured."""
    if isinstance(function, np.vectorize):
        return "call the function that it was made of: it takes arrays as it is, or in a loop over elements"
    return "use NumPy functions, or a Python function whose source can be captured"


def way_out(function: Any) -> str:
    """What to do instead of an impure call."""
    name = name_of(function)
    if "random" in name or name.startswith(("secrets", "uuid")):
        return "draw before, and pass the array as an argument"
    if name.startswith(("time", "datetime")):
        return "read the clock before, and pass the time as an argument"
    return "read before, and pass the data as an argument"
