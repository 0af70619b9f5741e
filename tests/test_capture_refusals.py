"""What is not captured is refused: the whole message, with the place, the reason and a way out."""

import pytest
from captured_programs import load

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError

REFUSALS = {
    "dtype": (
        """
        def f(x):
            s = np.float32(0.0)
            for i in range(12):
                s = s + np.float64(x)
            return s
        """,
        "FILE:4: `s` is float32 before the loop and float64 after a trip: its type changes in the loop\n"
        "    for i in range(12):\n"
        "             ^^^^^^^^^\n"
        "hint: give it its final type before the loop, for example `s = np.float64(...)`",
    ),
    "number becomes array": (
        """
        def f(x):
            s = 0.0
            for i in range(12):
                s = s + np.ones(3) * x
            return s
        """,
        "FILE:4: `s` is a number before the loop and an array float64[3] after a trip\n"
        "    for i in range(12):\n"
        "             ^^^^^^^^^\n"
        "hint: start with `s = np.zeros(...)`",
    ),
    "local to the loop": (
        """
        def f(x):
            for i in range(12):
                z = np.zeros(i)
            return z
        """,
        "FILE:5: `z` has no value here: it gets its value in the loop at line 3, and only numbers, and "
        "arrays of the same size in each trip, outlast the last one\n"
        "    return z\n"
        "           ^\n"
        "hint: give `z` a value before the loop",
    ),
    "random": (
        """
        def f(x):
            return x * np.random.normal()
        """,
        "FILE:3: `np.random.normal` gives another result at each call, or acts on files\n"
        "    return x * np.random.normal()\n"
        "               ^^^^^^^^^^^^^^^^^^\n"
        "hint: draw before, and pass the array as an argument",
    ),
    "time": (
        """
        import time
        def f(x):
            return x * time.time()
        """,
        "FILE:4: `time.time` gives another result at each call, or acts on files\n"
        "    return x * time.time()\n"
        "               ^^^^^^^^^^^\n"
        "hint: read the clock before, and pass the time as an argument",
    ),
    "print": (
        """
        def f(x):
            print("x is", x)
            return x
        """,
        "FILE:3: `print` is called with a value that is known only when the program runs\n"
        '    print("x is", x)\n'
        "    ^^^^^^^^^^^^^^^^\n"
        "hint: return the value, and print it outside of the captured function",
    ),
    "a list from outside": (
        """
        LOG = []
        def f(x):
            LOG.append(1)
            return x
        """,
        "FILE:4: `.append()` changes a list made outside the function: it would happen once, while tracing\n"
        "    LOG.append(1)\n"
        "    ^^^^^^^^^^^^^\n"
        "hint: use an array made by np.zeros, and write out[i] = ...",
    ),
    "a global array": (
        """
        TABLE = np.ones(6)
        def f(x):
            TABLE[0] = x
            return x
        """,
        "FILE:4: `TABLE` is written, but it is not an argument: it is read from outside of the function\n"
        "    TABLE[0] = x\n"
        "    ^^^^^^^^^^^^\n"
        "hint: write to a copy of it",
    ),
    "library": (
        """
        import json
        def f(x):
            return json.dumps(x)
        """,
        "FILE:4: `json.dumps` is called with a traced value, and it is not captured\n"
        "    return json.dumps(x)\n"
        "           ^^^^^^^^^^^^^\n"
        "hint: use NumPy functions, or a Python function whose source can be captured",
    ),
    "operators of a class": (
        """
        class Money:
            def __add__(self, other): return 1.0
        def f(x):
            return Money() + x
        """,
        "FILE:5: the class `Money` defines `__add__`, which is not captured\n"
        "    return Money() + x\n"
        "           ^^^^^^^\n"
        "hint: call a method or a function by its name instead of using the operator",
    ),
    "a container class": (
        """
        class Rates(list):
            def __getitem__(self, k): return 1.0
        RATES = Rates()
        def f(x):
            return RATES[0] * x
        """,
        "FILE:6: `RATES` is a Rates, a container class of your own\n"
        "    return RATES[0] * x\n"
        "           ^^^^^\n"
        "hint: use a plain list, tuple or dict",
    ),
    "endless recursion": (
        """
        def f(x):
            return f(x * 0.5)
        """,
        "`f` calls itself without end while it is traced\n"
        "hint: recursion must stop at plain Python values, not at traced ones",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_place_reason_and_way_out(name):
    source, message = REFUSALS[name]
    f = load(source)["f"]
    with pytest.raises(CaptureError) as error:
        capture(f, (2.0,))
    shown = str(error.value).replace(f.__code__.co_filename, "FILE")
    assert shown == message


IMPURE = {
    "import random": "random.random()",
    "import numpy.random as r": "r.rand()",
    "rng = np.random.default_rng(0)": "rng.normal()",
    "import random\ng = random.Random(0)": "g.random()",
    "import datetime": "datetime.datetime.now().second",
    "import os": "float(os.urandom(1)[0])",
    "import uuid": "uuid.uuid4().int",
    "from time import perf_counter as clock": "clock()",
    "": "float(open('x').read())",
    "pass": "float(input())",
    "k = 1": "np.loadtxt('x')",
}


@pytest.mark.parametrize("before", IMPURE)
def test_impure_calls_are_refused(before):
    f = load(f"{before}\ndef f(x):\n    return x * {IMPURE[before]}")["f"]
    with pytest.raises(CaptureError, match="gives another result at each call, or acts on files"):
        capture(f, (2.0,))
