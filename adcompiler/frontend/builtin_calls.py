"""Builtins of Python on traced values."""

from __future__ import annotations

import builtins
import copy
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from adcompiler.checkpointing.annotation import checkpointed
from adcompiler.checkpointing.plans import Policy
from adcompiler.ir.errors import NeedsConcrete

from . import marks
from .conditions import asked
from .frames import refuse
from .handles import Traced, holds_traced, type_name
from .iteration import LISTED, UNROLLED, enumerate_, plain, range_, reversed_, zip_
from .leaves import number_type
from .outside import user_method
from .scalars import TracedScalar, is_bfloat16, whole
from .sizes import Size, SizePredicate, integer
from .values import TracedArray

if TYPE_CHECKING:
    from .runtime import Tracer

Hook = Callable[..., Any]


def hook(function: Any) -> Hook | None:
    """What runs instead of a builtin; None if it runs itself."""
    parallel_range = getattr(sys.modules.get("numba"), "prange", range)
    if function is parallel_range:
        return _HOOKS[range]
    scalars = np.number | np.bool_
    if isinstance(function, type) and (issubclass(function, scalars) or is_bfloat16(function)):
        return lambda tracer, *args: _numpy_scalar(function, *args)
    try:
        return _HOOKS.get(function)
    except TypeError:
        return None


def _without_tracer(function: Callable[..., Any]) -> Hook:
    return lambda tracer, *args, **kwargs: function(*args, **kwargs)


def _len(tracer: Tracer, x: Any) -> Any:
    if type(x) is TracedArray and x.ndim:
        return integer(x.type.shape[0])
    if isinstance(x, Traced):
        raise TypeError(f"object of type '{type_name(x)}' has no len()")
    method = user_method(x, "__len__")
    return len(x) if method is None else tracer.call(method, x)


def _float(tracer: Tracer, x: Any = 0.0) -> Any:
    if not isinstance(x, Traced):
        return float(x)
    return TracedScalar(_number(x).astype(np.float64).value, "float")


def _numpy_scalar(dtype: type[Any], x: Any = 0) -> Any:
    """`np.float64(x)` and its kind."""
    if not isinstance(x, Traced):
        return dtype(x)
    return x.astype(dtype) if type(x) is TracedArray else _number(x).astype(dtype)


def _int(tracer: Tracer, x: Any = 0, *base: Any) -> Any:
    if type(x) is Size:
        return x
    if not isinstance(x, Traced):
        return int(x, *base)
    number = _number(x)
    cut: Any = np.trunc(number) if number.value.type.dtype.is_float else number
    return whole(cut.read())


def _number(x: Any) -> TracedScalar:
    """A traced number, or the element of an array of rank 0."""
    if type(x) is TracedArray and x.ndim:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    return x if type(x) is TracedScalar else TracedScalar(x.read())


def _bool(tracer: Tracer, x: Any = False) -> Any:
    truth = tracer.truth(x)
    return asked(x) if truth is None else truth


def _min(tracer: Tracer, *args: Any, **kwargs: Any) -> Any:
    return _extreme(builtins.min, lambda new, best: new < best, np.min, args, kwargs)


def _max(tracer: Tracer, *args: Any, **kwargs: Any) -> Any:
    return _extreme(builtins.max, lambda new, best: new > best, np.max, args, kwargs)


def _extreme(
    function: Callable[..., Any],
    better: Callable[[Any, Any], Any],
    of_array: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Python's rule: the first of the best, found by comparing one after the other."""
    if len(args) == 1 and type(args[0]) is TracedArray and args[0].ndim == 1 and not kwargs:
        return of_array(args[0])
    items = list(plain(args[0], UNROLLED)) if len(args) == 1 else list(args)
    if not any(isinstance(x, Traced) for x in items):
        return function(items, **kwargs)
    if kwargs:
        refuse(
            "`key` and `default` of min and max are not supported for traced values",
            "write np.min or np.max",
        )
    best = items[0]
    for new in items[1:]:
        best = _chosen(better(new, best), new, best)
    return best


def _chosen(test: Any, new: Any, best: Any) -> Any:
    if type(test) is SizePredicate:
        truth = test.decide()
        test = test if truth is None else truth
    if not isinstance(test, Traced):
        return new if test else best
    chosen: Any = np.where(test, new, best)
    one, other = number_type(new), number_type(best)
    return TracedScalar(chosen.read(), one.weak if one == other else None)


def _any(tracer: Tracer, iterable: Any, /) -> Any:
    return _joined(tracer, iterable, tracer.or_, np.any, never=False)


def _all(tracer: Tracer, iterable: Any, /) -> Any:
    return _joined(tracer, iterable, tracer.and_, np.all, never=True)


def _joined(
    tracer: Tracer,
    iterable: Any,
    join: Callable[[Any, Callable[[], Any]], Any],
    of_array: Callable[..., Any],
    never: bool,
) -> Any:
    """Each element is asked for only where those before have not decided; `never` is what does not decide."""
    if type(iterable) is TracedArray and iterable.ndim == 1:
        return of_array(iterable)
    items = iter(plain(iterable, UNROLLED))
    left = True

    def following() -> Any:
        nonlocal left
        for item in items:
            return _bool(tracer, item)
        left = False
        return never

    known: Any = never
    while left and tracer.truth(known) in (never, None):
        known = join(known, following)
    return known


def _sum(tracer: Tracer, iterable: Any, /, start: Any = 0) -> Any:
    if type(iterable) is TracedArray:
        return start + np.sum(iterable, axis=0)
    for x in plain(iterable, UNROLLED):
        start = start + x
    return start


def _print(tracer: Tracer, *args: Any, **kwargs: Any) -> None:
    if any(map(holds_traced, args)):
        refuse(
            "`print` is called with a value that is known only when the program runs",
            "return the value, and print it outside of the captured function",
        )
    print(*args, **kwargs)


def _type(tracer: Tracer, x: Any, *more: Any) -> Any:
    return x.__class__ if isinstance(x, Traced) else type(x, *more)


def _getattr(tracer: Tracer, owner: Any, name: str, *default: Any) -> Any:
    try:
        return tracer.attribute(owner, name)
    except AttributeError:
        if not default:
            raise
        return default[0]


def _setattr(tracer: Tracer, owner: Any, name: str, value: Any) -> None:
    tracer.set_attribute(value, owner, name)


def _copy(tracer: Tracer, x: Any) -> Any:
    if isinstance(x, Traced):
        return x.copy() if type(x) is TracedArray else x
    return tracer.new(copy.copy(x))


def _deepcopy(tracer: Tracer, x: Any) -> Any:
    return _deep(tracer, x, {})


def _deep(tracer: Tracer, x: Any, copies: dict[int, Any]) -> Any:
    """What is met twice is copied once, as in Python."""
    if id(x) not in copies:
        copies[id(x)] = _deep_once(tracer, x, copies)
    return copies[id(x)]


def _deep_once(tracer: Tracer, x: Any, copies: dict[int, Any]) -> Any:
    if isinstance(x, Traced):
        return _copy(tracer, x)
    if isinstance(x, bool | int | float | str | None):
        return x
    if isinstance(x, list):
        return tracer.new([_deep(tracer, item, copies) for item in x])
    if isinstance(x, dict):
        return tracer.new({key: _deep(tracer, item, copies) for key, item in x.items()})
    if type(x) is tuple:
        return tuple(_deep(tracer, item, copies) for item in x)
    refuse(
        f"`copy.deepcopy` of a {type(x).__name__} is not captured",
        "copy the arrays in it: x.copy()",
        NeedsConcrete,
    )


def _list(tracer: Tracer, *iterable: Any) -> Any:
    return tracer.new(list(*(plain(x, LISTED) for x in iterable)))


def _tuple(tracer: Tracer, *iterable: Any) -> Any:
    return tuple(*(plain(x, LISTED) for x in iterable))


_HOOKS: dict[Any, Hook] = {
    checkpointed: marks.refuse_elsewhere,
    **{kind: marks.policy_of(kind) for kind in get_args(Policy)},
    range: _without_tracer(range_),
    zip: _without_tracer(zip_),
    enumerate: _without_tracer(enumerate_),
    reversed: _without_tracer(reversed_),
    len: _len,
    float: _float,
    int: _int,
    bool: _bool,
    abs: _without_tracer(abs),
    min: _min,
    max: _max,
    any: _any,
    all: _all,
    sum: _sum,
    pow: _without_tracer(pow),
    print: _print,
    type: _type,
    getattr: _getattr,
    setattr: _setattr,
    list: _list,
    tuple: _tuple,
    divmod: _without_tracer(divmod),
    round: _without_tracer(round),
    copy.copy: _copy,
    copy.deepcopy: _deepcopy,
}
