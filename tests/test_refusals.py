"""Each construct that is not captured: the message, the place and the way out."""

import textwrap

import pytest
from programs import load

from adcompiler.frontend.rewriting import rewrite
from adcompiler.ir.errors import CaptureError

PASS_RESULTS = "do this work before the call, and pass its results as arguments"
ASYNC = "await outside, and pass the results to a plain `def`"

# The construct as the message names it, the hint, and the function; `#` stands before what is refused.
REFUSALS = [
    ("`try`", "test for the condition with `if` beforehand", "def f(x):\n #try: x()\n finally: pass"),
    (
        "`try`",
        "test for the condition with `if` beforehand",
        "def f(x):\n #try: x()\n except* KeyError: pass",
    ),
    ("`with`", PASS_RESULTS, "def f(x):\n if x:\n  #with x: pass"),
    (
        "`raise`",
        "write `assert condition, message`: it is checked in compiled code too",
        "def f(x):\n #raise x",
    ),
    ("`yield`", "fill an array or a list, and return it", "def f(x):\n y = #yield x"),
    ("`yield from`", "fill an array or a list, and return it", "def f(x):\n #yield from x"),
    (
        "`global total, n`",
        "pass `total, n` as an argument and return its new value",
        "def f(x):\n #global total, n",
    ),
    (
        "`nonlocal s`",
        "pass `s` as an argument and return its new value",
        "def f(x):\n s = 0\n def g():\n  #nonlocal s\n  s = 1",
    ),
    ("`match`", "write it as `if` and `elif`", "def f(x):\n #match x:\n  case 1: pass"),
    ("`class Inner`", "define the class outside the function", "def f(x):\n #class Inner: pass"),
    ("`import`", "import at the top of the file", "def f(x):\n #import math"),
    ("`import`", "import at the top of the file", "def f(x):\n #from math import sin"),
    ("`del x[0], y`", "make a new list or dict without it", "def f(x, y):\n #del x[0], y"),
    ("`y := ...`", "assign `y` in a statement of its own before", "def f(x):\n return (#y := x) + y"),
    ("`async def`", ASYNC, "#async def f(x):\n return x"),
    ("`async def`", ASYNC, "def f(x):\n #async def g(): pass"),
    ("`async for`", ASYNC, "def f(x):\n return [y async for #y in x]"),
    ("`eval()`", "write the expression out", "def f(x):\n return #eval('x')"),
    ("`exec()`", "write the statements out", "def f(x):\n #exec('x')"),
    ("`compile()`", "write the code out", "def f(x):\n #compile(x, '', 'exec')"),
    ("`locals()`", "name the variables you need", "def f(x):\n return #locals()"),
    ("`globals()`", "name the variables you need", "def f(x):\n return [lambda: #globals()]"),
    ("`vars()`", "name the attributes you need", "def f(x):\n return #vars(x)"),
    ("`dir()`", "name the attributes you need", "def f(x):\n return #dir()"),
    ("`__import__()`", "import at the top of the file", "def f(x):\n #__import__('os')"),
    (
        "`super()`",
        "write `super(Class, self)` or `Class.method(self, ...)`",
        "def f(x):\n return #super().f(x)",
    ),
    (
        "assigning `x[0]` in a comprehension",
        "write it as a `for` loop",
        "def f(x):\n return [1 for k, #x[0] in x]",
    ),
    ("the name `__x`", "choose a name that does not begin with two underscores", "def f(#__x):\n return 1"),
    ("the name `__c`", "choose a name that does not begin with two underscores", "def f(x):\n #__c = x"),
    (
        "the name `__g`",
        "choose a name that does not begin with two underscores",
        "def f(x):\n #def __g(): pass",
    ),
    ("`y := ...`", "assign `y` in a statement of its own before", "def f(x):\n def g(y=(#y := x)): return y"),
]


@pytest.mark.parametrize(("construct", "hint", "marked"), REFUSALS)
def test_refusal(construct, hint, marked):
    source = marked.replace("#", "")
    before = marked[: marked.index("#")].splitlines() or [""]
    function = load(source)["f"] if "y async for" not in source else asynchronous(source)
    with pytest.raises(CaptureError) as caught:
        rewrite(function)
    error = caught.value
    assert error.message == f"{construct} is not supported in a captured function"
    assert error.hint == hint
    assert (error.location.file, error.location.function) == (function.__code__.co_filename, "f")
    assert (error.location.line, error.location.column) == (len(before), len(before[-1]))


def asynchronous(source):
    """An asynchronous comprehension stands in an `async def`; the refusal comes from the generator inside."""
    return load(source.replace("return [", "return (").replace("]", ")"))["f"]


def test_nesting():
    function = load("def f(x):\n" + "".join(f" if x == {k}: return {k}\n" for k in range(400)))["f"]
    with pytest.raises(CaptureError) as caught:
        rewrite(function)
    expected = "`f` is nested too deeply; each `return`, `break` or `continue` nests what follows"
    assert (caught.value.message, caught.value.hint) == (expected, "split the function")
    assert caught.value.location.line == 1


def test_message_shows_the_line_and_a_caret():
    function = load("def f(x):\n    β = 1; y = [x for x in x if (z := x)]\n    return y")["f"]
    with pytest.raises(CaptureError) as caught:
        rewrite(function)
    expected = f"""
    {function.__code__.co_filename}:2: `z := ...` is not supported in a captured function
        β = 1; y = [x for x in x if (z := x)]
                                     ^^^^^^
    hint: assign `z` in a statement of its own before
    """
    assert str(caught.value) == textwrap.dedent(expected).strip()


def test_names_of_their_own_are_no_builtins():
    """What is refused are Python's own functions, not the user's variables of the same name."""
    function = load("def f(eval, x):\n def vars(y): return y\n return eval(vars(x)), __name__, x.__class__")[
        "f"
    ]
    assert rewrite(function).rewritten.definition.name == "f"


def test_what_does_not_run_is_not_refused():
    source = """
    def keep(g): return g
    @keep
    def f(x: (lambda: (y := 1)) = [z for z in 'ab' if (w := z)], __name__=1):
        return super(type(x), x)
    """
    assert rewrite(load(source)["f"]).rewritten.definition.name == "f"
