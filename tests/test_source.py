"""The source found is that of the function that runs, and what is not captured is refused with a way out."""

import functools
import importlib.util
import operator
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
from plain_runtime import PlainRuntime
from programs import load

import adcompiler
from adcompiler.frontend.rewriting import rewrite
from adcompiler.frontend.source import find_source
from adcompiler.ir.errors import CaptureError, Location


def run(function, *args):
    return rewrite(function).bind(PlainRuntime())(*args)


# Lambdas and definitions -----------------------------------------------------------------------------------


def test_lambdas_on_one_line():
    pair = (lambda x: x + 1, lambda x: x + 2, lambda y: lambda x: x + y)
    assert [run(pair[0], 10), run(pair[1], 10), run(pair[2], 5)(10), run(pair[2](7), 10)] == [11, 12, 15, 17]


def test_equal_lambdas_on_one_line():
    k, m = 3, 4
    first, second = (lambda x: x * k), (lambda x: x * k if m else x)
    third, fourth = [(lambda x: x * k), (lambda x: x * k)]
    assert [run(f, 2) for f in (first, second, third, fourth)] == [6, 6, 6, 6]
    assert find_source(third).location(find_source(third).node).column == 22
    assert find_source(fourth).location(find_source(fourth).node).column == 41


def test_lambda_over_several_lines_and_in_defaults():
    def nothing(f=lambda x: x - 1, *, g=lambda x: -x):
        return f, g

    long = functools.partial(
        lambda x, y=[5], z=(lambda: 6): x
        + y[0]
        + z(),
    )  # fmt: skip
    assert [run(f, 10) for f in (*nothing(), long.func)] == [9, -10, 21]


def test_lambda_of_a_constant():
    pair = lambda: 1, lambda: True  # noqa: E731
    assert [run(f) for f in pair] == [1, True]


def test_decorated_functions():
    def scaled(k):
        def decorate(f):
            @functools.wraps(f)
            def wrapper(*args):
                return k * f(*args)

            return wrapper

        return decorate

    @scaled(3)
    @scaled(2)
    def shift(x):
        return x + 1

    assert run(shift, 1) == 12
    assert run(shift.__wrapped__.__wrapped__, 1) == 2


def test_private_names_and_class_methods():
    class _Model:
        __scale = 3

        @classmethod
        def make(cls, __x):
            return cls.__scale * __x

        @staticmethod
        def keep(x):
            def __twice(__y):
                return 2 * __y

            return __twice(x)

    assert run(_Model.make.__func__, _Model, 5) == 15
    assert run(_Model.keep, 5) == 10


def test_functions_of_equal_names_in_one_file():
    def make(flag):
        if flag:

            def f(x):
                return x + 1
        else:

            def f(x):
                return x + 2

        return f  # fmt: skip

    assert [run(make(flag), 1) for flag in (True, False)] == [2, 3]


def test_functions_with_asserts_under_a_test_runner():
    def positive(x):
        assert x > 0, "positive"
        return x

    assert run(positive, 2) == 2
    with pytest.raises(AssertionError, match="^positive$"):
        run(positive, 0)


def test_a_future_import_of_the_users_file():
    namespace = load(
        "from __future__ import annotations\ndef f(x: int) -> nothing:\n def g(y: k): return y\n return g(x)"
    )
    assert run(namespace["f"], 4) == 4


def test_warnings_of_the_users_file_are_not_repeated():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        namespace = load("def f(x):\n return x is 1, '\\d'")
    assert run(namespace["f"], 1) == (True, "\\d")


# No source, or another one ---------------------------------------------------------------------------------


def module_of(path, source):
    path.write_text(textwrap.dedent(source))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(function):
    with pytest.raises(CaptureError) as caught:
        rewrite(function)
    return caught.value


def test_no_source():
    namespace = {}
    exec("def f(x):\n    return x", namespace)
    error = refusal(namespace["f"])
    assert error.message == "the source of `f` is not available"
    assert error.location == Location("<string>", 1, "f")
    assert (
        error.hint
        == "define the function in a file or a notebook cell, not in the interactive prompt or by `exec`"
    )


@pytest.mark.parametrize(
    ("function", "name"), [(len, "len"), (operator.itemgetter(1), "itemgetter"), (int, "int")]
)
def test_not_a_python_function(function, name):
    error = refusal(function)
    assert error.message == f"`{name}` is not a plain Python function: it has no source to capture"
    assert error.hint == "call it from a function of your own"


EDITS = {
    "another constant": "return abs(x) * 3",
    "another type": "return abs(x) * 2.0",
    "another operator": "return abs(x) + 2",
    "another name": "return int(x) * 2",
    "another line": "y = 2\n    return abs(x) * y",
}


@pytest.mark.parametrize("edited", EDITS.values(), ids=EDITS)
def test_edited_source(tmp_path, edited):
    path = tmp_path / "model.py"
    module = module_of(path, "def f(x):\n    return abs(x) * 2\n\ndef g(x):\n    return x\n")
    assert run(module.g, 1) == 1
    path.write_text(f"def f(x):\n    {edited}\n")
    os.utime(path, (1, 1))
    error = refusal(module.f)
    assert error.message == "the source of `f` is not what runs: its file was changed after it was loaded"
    assert error.location == Location(str(path), 1, "f")
    assert error.hint == "load the module again, or restart Python"


def test_comments_may_be_edited(tmp_path):
    path = tmp_path / "model.py"
    module = module_of(path, "def f(x):\n    return x * 2\n")
    path.write_text("def f(x):\n    return x * 2  # twice\n\n\nprint('never')\n")
    assert run(module.f, 4) == 8


def test_source_that_cannot_be_parsed(tmp_path):
    path = tmp_path / "model.py"
    module = module_of(path, "def f(x):\n    return x * 2\n")
    path.write_text("def f(x):\n    return x *\n")
    error = refusal(module.f)
    assert error.message == "the source of `f` cannot be parsed: invalid syntax (model.py, line 2)"
    assert error.hint == "load the module again, or restart Python"


def test_lambdas_without_columns(tmp_path):
    """Without columns, two lambdas on one line cannot be told apart; one can be found."""
    path = tmp_path / "script.py"
    path.write_text(
        textwrap.dedent(
            """
            from adcompiler.frontend.rewriting import rewrite
            from adcompiler.ir.errors import CaptureError
            one = lambda x: x * 2
            two = lambda x: x * 3, lambda x: x * 4
            rewrite(one)
            try:
                rewrite(two[0])
            except CaptureError as error:
                print(error.message)
                print(error.location.line)
                print(error.hint)
            """
        )
    )
    command = [sys.executable, "-X", "no_debug_ranges", str(path)]
    root = Path(adcompiler.__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(root)})
    assert done.stdout.splitlines() == [
        "several lambdas begin on this line, and Python was told not to keep the columns of code",
        "5",
        "put each lambda on a line of its own, or unset PYTHONNODEBUGRANGES",
    ]
