"""Arguments as a compiled function sees them: the kinds of their leaves, and arrays made ready to be read.

Layout is not part of a kind: arrays are made C-contiguous, aligned and native before they are handed over.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import optree

from adcompiler.checkpointing.plans import Policy
from adcompiler.ir.errors import ArgumentError, DTypeError
from adcompiler.ir.types import F64, I64, DType

from .device_arrays import dtype_of, is_device_array

NAMESPACE = "adcompiler"
STATIC_SIZES = range(1, 5)
READY = 0x0101
"""The flags of an array that is C-contiguous and aligned, as `flags.num` has them."""


class Kind(enum.Enum):
    """What a leaf is to the compiler."""

    NUMBER = "Python float"
    SCALAR = "NumPy scalar"
    ARRAY = "array"
    SIZE = "int"
    STATIC = "static value"


@dataclass(frozen=True)
class LeafKey:
    """All that a specialisation depends on in one leaf.

    `shape` has the sizes that are static, None for the others; `negative` belongs to an int, and `static` is
    (type, value), because `1 == 1.0 == True`.
    """

    kind: Kind
    dtype: DType | None = None
    shape: tuple[int | None, ...] = ()
    negative: bool = False
    static: tuple[Any, ...] = ()

    @property
    def traced(self) -> bool:
        """Whether the leaf becomes a parameter."""
        return self.kind in (Kind.NUMBER, Kind.SCALAR, Kind.ARRAY)

    def __str__(self) -> str:
        if self.kind is Kind.STATIC:
            return f"{self.static[0].__name__} {self.static[1]!r}" if self.static else "static value"
        if self.kind is Kind.SIZE:
            return "negative int" if self.negative else "int"
        sizes = ", ".join("_" if n is None else str(n) for n in self.shape)
        return f"{self.kind.value} {self.dtype}" + (f"[{sizes}]" if self.kind is Kind.ARRAY else "")


_NUMBER = LeafKey(Kind.NUMBER, F64)
_SIZE, _NEGATIVE = LeafKey(Kind.SIZE, I64), LeafKey(Kind.SIZE, I64, negative=True)


def leaf_key(leaf: Any, name: str, on_device: bool = False) -> LeafKey:
    """The kind of one leaf; `name` is what error messages call it.

    An array on a GPU is what a NumPy array is, for programs that run `on_device`.

    Raises
    ------
    DTypeError
        If it is an array or NumPy scalar of a dtype that the IR does not have.
    ArgumentError
        If it is neither a number, an array (of no subclass but np.memmap), a string nor a function, or it
        lies on another device than the program runs on.
    """
    kind = type(leaf)
    if kind is float:
        return _NUMBER
    if kind is int:
        return _NEGATIVE if leaf < 0 else _SIZE
    if isinstance(leaf, np.ndarray):
        if kind is not np.ndarray and not isinstance(leaf, np.memmap):
            raise ArgumentError(
                f"argument `{name}` is a {kind.__name__}, whose arithmetic may not be that of plain arrays",
                hint=f"pass np.asarray({name}), or `.filled(...)` of a masked array",
            )
        return LeafKey(Kind.ARRAY, _dtype(leaf, name), static_sizes(leaf.shape))
    if isinstance(leaf, np.generic) and not isinstance(leaf, np.bool_ | np.str_ | np.bytes_):
        return LeafKey(Kind.SCALAR, _dtype(leaf, name))
    if is_device_array(leaf):
        return _device_key(leaf, name, on_device)
    return LeafKey(Kind.STATIC, static=static_value(leaf, name))


def _device_key(leaf: Any, name: str, on_device: bool) -> LeafKey:
    if not on_device:
        raise ArgumentError(
            f"argument `{name}` is a {type(leaf).__name__} on a GPU, and this program runs on the CPU",
            hint='choose backend="cuda", or pass a NumPy array',
        )
    if getattr(leaf, "requires_grad", False):
        raise ArgumentError(
            f"argument `{name}` requires a gradient of another library, which would not see this call",
            hint=f"pass {name}.detach()",
        )
    kind = dtype_of(leaf)
    if kind is None:
        raise DTypeError(
            f"argument `{name}` has the dtype {leaf.dtype}, which NumPy does not have",
            hint="cast it to float32 or float64",
        )
    return LeafKey(Kind.ARRAY, _supported(kind, name), static_sizes(leaf.shape))


def static_sizes(shape: Sequence[int]) -> tuple[int | None, ...]:
    """Small sizes are those of coordinates and quaternions: worth code of their own."""
    return tuple(n if n in STATIC_SIZES else None for n in shape)


def static_value(leaf: Any, name: str) -> tuple[Any, ...]:
    """What of a leaf that is not traced a specialisation depends on: its type and its value."""
    if isinstance(leaf, bool | str | bytes | np.bool_ | enum.Enum | np.dtype | Policy) or leaf is Ellipsis:
        return (type(leaf), leaf)
    if callable(leaf):
        return (type(leaf), *callable_key(leaf))
    raise ArgumentError(
        f"argument `{name}` is a {type(leaf).__name__}",
        hint="pass numbers, arrays, strings, functions, or dicts, lists, tuples and dataclasses of them",
    )


def callable_key(function: Any) -> tuple[Any, ...]:
    """What makes two callables the same program: code, never the identity of a function object."""
    if hasattr(function, "trace_call") and not isinstance(function, type):
        return (type(function), function.key, *callable_key(function.function))
    code = getattr(function, "__code__", None)
    if code is not None:
        return (code, code.co_filename)
    if hasattr(function, "__func__"):
        return (type(function.__self__), *callable_key(function.__func__))
    if hasattr(function, "py_func"):
        return ("numba", *callable_key(function.py_func))
    if hasattr(function, "func"):
        return ("partial", *callable_key(function.func))
    call = None if isinstance(function, type) else user_call(function)
    if call is not None:
        return (type(function), *callable_key(call))
    return (Same(function),)


def user_call(instance: Any) -> FunctionType | None:
    """The `__call__` that a class written in Python gives its instances."""
    found = (vars(cls)["__call__"] for cls in type(instance).__mro__ if "__call__" in vars(cls))
    call = next(found, None)
    return call if isinstance(call, FunctionType) else None


@dataclass(frozen=True, eq=False)
class Same:
    """Equal only to the same object."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _dtype(leaf: Any, name: str) -> DType:
    return _supported(leaf.dtype, name)


def _supported(dtype: np.dtype[Any], name: str) -> DType:
    try:
        return DType.of(dtype)
    except DTypeError as error:
        raise DTypeError(f"argument `{name}`: {error.message}", hint=error.hint) from None


# ---- trees -------------------------------------------------------------------------------------------------


def flatten(tree: Any) -> tuple[list[Any], optree.PyTreeSpec]:
    """The leaves of a tree, dataclasses but for policies of loops taken apart as well, and its structure."""
    while True:
        leaves, structure = optree.tree_flatten(tree, namespace=NAMESPACE)
        apart = (x for x in leaves if dataclasses.is_dataclass(x) and not isinstance(x, type | Policy))
        unknown = set(map(type, apart))
        if not unknown:
            return leaves, structure
        for cls in unknown:
            _register(cls)


TAKEN_APART: set[type[Any]] = set()
"""The dataclasses whose nodes are taken apart here, by the names of their fields."""


def _register(cls: type[Any]) -> None:
    names = tuple(field.name for field in dataclasses.fields(cls))

    def take_apart(x: Any) -> tuple[tuple[Any, ...], None, tuple[str, ...]]:
        return tuple(getattr(x, name) for name in names), None, names

    def put_together(_: Any, children: Any) -> Any:
        made = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(made, name, child)
        return made

    optree.register_pytree_node(cls, take_apart, put_together, namespace=NAMESPACE)
    TAKEN_APART.add(cls)


def leaf_names(tree: Any, parameters: Sequence[str]) -> list[str]:
    """What messages call each leaf of a tuple with one entry a parameter: `p`, `p[0]`, `p.x`."""
    flatten(tree)
    paths, _, _ = optree.tree_flatten_with_path(tree, namespace=NAMESPACE)
    return [parameters[path[0]] + "".join(map(_step, path[1:])) for path in paths]


def _step(entry: Any) -> str:
    return f".{entry}" if isinstance(entry, str) and entry.isidentifier() else f"[{entry!r}]"


# ---- binding -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Binder:
    """Which argument goes to which parameter, by Python's rules."""

    names: tuple[str, ...]
    signature: inspect.Signature
    quick: Callable[..., tuple[Any, ...]]
    """A function of this signature that returns one value a parameter."""

    @property
    def starred(self) -> tuple[str, ...]:
        """The names, that of `*args` with its star."""
        several = inspect.Parameter.VAR_POSITIONAL
        return tuple("*" * (p.kind is several) + p.name for p in self.signature.parameters.values())

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """One value a parameter: a tuple for `*args`, a dict for `**kwargs`, and defaults filled in."""
        try:
            return self.quick(*args, **kwargs)
        except TypeError:
            pass
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(str(error)) from None
        raise AssertionError("Python binds what its signature does not")

    def unbind(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments that bind to these values."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter, value in zip(self.signature.parameters.values(), values, strict=True):
            match parameter.kind:
                case inspect.Parameter.VAR_POSITIONAL:
                    args += value
                case inspect.Parameter.VAR_KEYWORD:
                    kwargs |= value
                case inspect.Parameter.KEYWORD_ONLY:
                    kwargs[parameter.name] = value
                case _:
                    args.append(value)
        return args, kwargs


_BINDERS: WeakKeyDictionary[FunctionType, dict[type, tuple[Any, Any, Binder]]] = WeakKeyDictionary()
"""Code, defaults and binder of functions, and of the methods that they are."""


def binder(function: Callable[..., Any]) -> Binder:
    """The binder of a callable; without a known signature it takes any positional arguments, `args`."""
    bare = function.__func__ if type(function) is MethodType else function
    # a decorator may have given a function another signature, and a dict of defaults may change
    if type(bare) is not FunctionType or bare.__dict__ or bare.__kwdefaults__:
        return _binder(function)
    known = _BINDERS.setdefault(bare, {})
    code, defaults, found = known.get(type(function), (None, None, None))
    if found is None or code is not bare.__code__ or defaults is not bare.__defaults__:
        found = _binder(function)
        known[type(function)] = bare.__code__, bare.__defaults__, found
    return found


def _binder(function: Callable[..., Any]) -> Binder:
    try:
        signature = _ufunc_signature(function) or inspect.signature(getattr(function, "py_func", function))
    except (ValueError, TypeError):
        signature = inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])
    return Binder(tuple(signature.parameters), signature, _returning(signature))


def _returning(signature: inspect.Signature) -> Callable[..., tuple[Any, ...]]:
    """A function that returns its arguments: Python binds them faster than `inspect` does."""
    parameters = signature.parameters.values()
    defaults = [p.default for p in parameters]
    bare = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else _Source(f"defaults[{k}]"))
        for k, p in enumerate(parameters)
    ]
    returned = "".join(f"{p.name}, " for p in parameters)
    scope: dict[str, Any] = {"defaults": defaults}
    exec(f"def returning{inspect.Signature(bare)}: return ({returned})", scope)
    made: Callable[..., tuple[Any, ...]] = scope["returning"]
    return made


class _Source(str):
    """What `inspect` writes into a signature as it stands."""

    __repr__ = str.__str__


def _ufunc_signature(function: Any) -> inspect.Signature | None:
    """The operands of a ufunc; its options stay what they are."""
    if not isinstance(function, np.ufunc):
        return None
    names = [f"x{k}" for k in range(1, function.nin + 1)] if function.nin > 1 else ["x"]
    return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in names])


# ---- arrays ------------------------------------------------------------------------------------------------


def ready(array: np.ndarray[Any, Any]) -> Any:
    """The array itself, or a copy that is C-contiguous, aligned and native; a scalar where the rank is 0."""
    if not array.ndim:
        return array.astype(array.dtype.newbyteorder("="))[()]
    if type(array) is not np.ndarray:
        array = np.asarray(array)
    if array.flags.num & READY == READY and array.dtype.isnative:
        return array
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C", subok=False, ndmin=array.ndim)
