"""Python's builtins on traced values give what they give on plain ones; what is not captured is refused."""

import copy
import re

import numpy as np
import pytest
from captured_programs import assert_captured, load

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError

X = np.array([0.3, -1.7, 2.5, 0.3])
Y = np.array([4.2, 0.1, -0.6, 1.9])


class Box:
    def __init__(self, content):
        self.content = content


def set_and_get(x):
    box = Box(x)
    setattr(box, "content", x * 2.0)  # noqa: B010
    return getattr(box, "content") + getattr(box, "missing", 1.0)  # noqa: B009


def missing_attribute(x):
    return getattr(Box(x), "missing")  # noqa: B009


def copies(x):
    shallow, deep = copy.copy([x, x]), copy.deepcopy({"a": [x], "b": (x, 2, None)})
    shallow[0] = x * 2.0
    deep["a"][0][0] = 7.0
    y = copy.copy(x)
    y[1] = 5.0
    return shallow[0], shallow[1], deep["a"][0], deep["b"][0], y, copy.copy(x[0])


def lists(x):
    parts = list(x)
    parts.append(x[0])
    return tuple(reversed(parts)), list(), tuple(x[:2]), len(parts)


BUILTINS = {
    "abs": lambda x: (abs(x), abs(x[1]), abs(x[0] - 1.0)),
    "pow": lambda x: (pow(x, 2), pow(x[0], 1.5), pow(2, 5, 7)),
    "divmod": lambda x: divmod(x[2], 0.7),
    "round": lambda x: (round(x[2]), round(x[2], 1)),
    "min": lambda x: (min(x), min(x[0], x[1], 0.5), min(3, 1), min([x[2], 2]), min(x[0], x[0])),
    "max": lambda x: (max(x), max(x[0], x[1], 0.5), max(3, 1), max([x[2], 2]), max(x[0], x[0])),
    "min of sizes": lambda x: (min(len(x), 3), max(len(x), 3), min(len(x), x[0])),
    "sum": lambda x: (sum(x), sum([x[0], x[1]]), sum([x, x], 1.0), sum(k * x[k] for k in range(3))),
    "int": lambda x: (int(x[1]), int(x[2]) + 1, int(len(x)), int("11", 2), int(x[2:3].reshape(()))),
    "float": lambda x: (float(x[1]), float(len(x)), float("1.5"), float(x[:1].reshape(()))),
    "bool": lambda x: (bool(x[0] > 1.0), bool(x[0]), bool(2)),
    "numpy scalars": lambda x: (np.float32(x[0]), np.float64(x), np.int64(len(x)), np.float32(0.5)),
    "type": lambda x: (type(x) is np.ndarray, type(x[0]) is np.float64, type(len(x)) is int),
    "isinstance": lambda x: (isinstance(x, np.ndarray), isinstance(len(x), int), isinstance(x[0], float)),
    "getattr, setattr": set_and_get,
    "copy": copies,
    "list, tuple": lists,
}


@pytest.mark.parametrize("name", BUILTINS)
def test_a_builtin_is_what_it_is_in_python(name):
    assert_captured(BUILTINS[name], (X,), (Y,))


@pytest.mark.parametrize("convert", [float, int])
def test_an_array_of_one_element_is_no_number(convert):
    with pytest.raises(TypeError, match="^only 0-dimensional arrays can be converted to Python scalars$"):
        capture(lambda x: convert(x[:1]), (X,))


def test_getattr_without_a_default_is_pythons_error():
    with pytest.raises(AttributeError, match="has no attribute 'missing'"):
        capture(missing_attribute, (X,))


REFUSALS = {
    "print(x)": (
        "FILE:2: `print` is called with a value that is known only when the program runs\n"
        "    return print(x)\n           ^^^^^^^^\n"
        "hint: return the value, and print it outside of the captured function"
    ),
    "max(x[0], x[1], key=abs)": (
        "FILE:2: `key` and `default` of min and max are not supported for traced values\n"
        "    return max(x[0], x[1], key=abs)\n           ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "hint: write np.min or np.max"
    ),
    "copy.deepcopy(np.random)": (
        "FILE:2: `copy.deepcopy` of a module is not captured\n"
        "    return copy.deepcopy(np.random)\n           ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "hint: copy the arrays in it: x.copy()"
    ),
}


@pytest.mark.parametrize("expression", REFUSALS)
def test_a_builtin_that_is_not_captured_is_refused(expression):
    function = load(f"def f(x):\n    return {expression}")["f"]
    function.__globals__["copy"] = copy
    with pytest.raises(CaptureError) as caught:
        capture(function, (X,))
    assert re.sub(r"<captured \d+>", "FILE", str(caught.value)) == REFUSALS[expression]
