"""What must hold for any Function on the device, whatever the order of threads and the size of the grid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from backend_cases import assert_fresh
from machine import Fault, machine

from adcompiler.backends import compile_function
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function
from adcompiler.ir.types import Sizes


def assert_right(f: Function, calls: Sequence[tuple[Sequence[Any], Sizes]], seed: int = 0) -> int:
    """One program for all calls gives what the definition says, or raises the same; how often it raised.

    Results are fresh, and arguments are as they were.
    """
    compiled = compile_function(f, "cuda")
    raised = 0
    for args, sizes in calls:
        before = [np.copy(a) for a in args]
        expected = outcome(lambda args=args, sizes=sizes: evaluate(f, args, sizes))
        with machine(seed):
            found = outcome(lambda args=args, sizes=sizes: compiled.call(*args, *sizes.values()))
        for a, b in zip(args, before, strict=True):
            np.testing.assert_array_equal(a, b)
        if isinstance(expected, Exception) or isinstance(found, Exception):
            assert repr(found) == repr(expected)
            raised += 1
            continue
        for k, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert_close(a, b, f.body.results[k].type.dtype.numpy)
        assert_fresh(found, args)
    return raised


def outcome(call: Any) -> Any:
    """Results, or the exception of a check."""
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(x)[()] for x in call()]
    except Fault:
        raise
    except Exception as error:
        return error


def assert_close(a: Any, b: Any, dtype: np.dtype[Any]) -> None:
    """To a tolerance relative to each number, or to the largest of an array: sums cancel."""
    assert type(a) is type(np.asarray(b, dtype)[()]) and a.dtype == dtype and a.shape == np.shape(b)
    if dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
        return
    largest = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
    rtol, least = (1e-10, 1e-14) if dtype.itemsize == 8 else (1e-4, 1e-6)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-2 * rtol * largest + least)


def arguments(f: Function, seed: int, sizes: Sizes) -> list[Any]:
    """Numbers between 0.3 and 0.9, and integers that are indices."""
    rng, highest = np.random.default_rng(seed), max(sizes["n"], 1)
    found = []
    for kind in (p.type for p in f.body.params):
        shape = [d.value(sizes) for d in kind.shape]
        values = rng.uniform(0.3, 0.9, shape) if kind.dtype.is_float else rng.integers(0, highest, shape)
        found.append(np.asarray(values).astype(kind.dtype.numpy)[()])
    return found
