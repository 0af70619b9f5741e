"""Rewritten code under the runtime of plain Python does what the user's code does."""

import random
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import assert_same, load, user_line
from plain_runtime import PlainRuntime
from random_programs import random_program

from adcompiler.frontend.rewriting import rewrite, rewritten_source

LIST = [3, 0, 1, 2]

# Each program is called with the arguments beside it.
PROGRAMS = {
    "sum": ("def f(xs):\n s = 0\n for x in xs: s += x\n return s", [(LIST,), ([],)]),
    "falls off its end": ("def f(x):\n t(x)", [(1,)]),
    "docstring only": ('def f():\n "nothing"', [()]),
    "docstring": ('def f(x):\n "doc"\n return x', [(1,)]),
    "pass": ("def f():\n pass", [()]),
    "bare return": ("def f(x):\n if x: return\n t(x)\n return", [(0,), (1,)]),
    "early return": ("def f(x):\n if x > 1: return 'big'\n t(x)\n return 'small'", [(0,), (2,)]),
    "return on some paths": ("def f(x):\n if x:\n  if x > 1: return 1\n  t('a')\n t('b')", [(0,), (1,), (2,)]),
    "return in every branch": ("def f(x):\n if x: return 1\n else: return 2\n t('never')", [(0,), (1,)]),
    "code out of reach binds": ("def f(x):\n if x: return y\n return 1\n y = 2", [(0,), (1,)]),
    "break": ("def f(xs):\n for x in xs:\n  if x == 1: break\n  t(x)\n return x", [(LIST,), ([],)]),
    "break takes no further item": (
        "def f(xs):\n i = iter(xs)\n for x in i:\n  if x == 0: break\n return list(i)",
        [(LIST,)],
    ),
    "continue": ("def f(xs):\n for x in xs:\n  if x % 2: continue\n  t(x)", [(LIST,)]),
    "nested continue": (
        "def f(xs):\n for x in xs:\n  if x > 0:\n   if x > 2: continue\n   t('a')\n  t(x)",
        [(LIST,)],
    ),
    "break and continue": (
        "def f(xs):\n for x in xs:\n  if x == 0: continue\n  if x == 2: break\n  t(x)\n t(x)",
        [(LIST,)],
    ),
    "return from nested loops": (
        "def f(xs):\n for x in xs:\n  for y in xs:\n   t((x, y))\n   if x + y == 1: return x\n  t('end')\n return -1",
        [(LIST,), ([5],)],
    ),
    "for else": ("def f(xs):\n for x in xs:\n  if x == 0: break\n else: t('else')\n t('end')", [(LIST,), ([1],)]),
    "for else return": (
        "def f(xs):\n for x in xs:\n  if x == 0: return 1\n else: return 2\n return 3",
        [(LIST,), ([1],)],
    ),
    "else leaves the loop around": (
        "def f(xs):\n for x in xs:\n  for y in xs:\n   if y == x + 1: break\n  else: break\n  t(x)\n t('end')",
        [(LIST,), ([0, 1],)],
    ),
    "while": ("def f(n):\n while n > 0: n -= 1; t(n)\n return n", [(3,), (0,)]),
    "while else": ("def f(n):\n while n > 0:\n  n -= 1\n  if n == 4: break\n else: t('else')", [(3,), (6,)]),
    "while true": ("def f(n):\n while True:\n  n += 1\n  if n > 5: return n", [(0,)]),
    "while true, break": ("def f(n):\n while True:\n  n += 1\n  if n > 5: break\n return n", [(0,)]),
    "while with continue": ("def f(n):\n while n:\n  n -= 1\n  if n % 2: continue\n  t(n)", [(6,)]),
    "the test is evaluated each time": ("def f(n):\n i = 0\n while t(i) < n: i += 1", [(3,)]),
    "elif": ("def f(x):\n if x < 0: y = -1\n elif x > 0: y = 1\n else: y = 0\n return y", [(-2,), (0,), (2,)]),
    "unbound local": ("def f(x):\n if x:\n  y = 1\n return y", [(0,), (1,)]),
    "unbound after a loop": ("def f(xs):\n for x in xs:\n  y = x\n return x, y", [([],), (LIST,)]),
    "unbound in place": ("def f():\n y += 1", [()]),
    "unbound in a closure": ("def f():\n def g(): return y\n g()\n y = 1", [()]),
    "unknown global": ("def f(x):\n t(1)\n return missing", [(1,)]),
    "and, or": ("def f(x, y):\n return t(x) and t(y) and 5, t(x) or t(y) or 5", [(0, 1), (2, 0), (3, 4)]),
    "not": ("def f(x):\n return not x, not not x", [(0,), ([],), (1,)]),
    "ternary": ("def f(x):\n return t(1) if t(x) else t(2) if x is None else t(3)", [(0,), (1,), (None,)]),
    "chained comparison": ("def f(x):\n return 0 < t(x) <= t(5) < t(9)", [(0,), (3,), (7,)]),
    "chained membership": ("def f(x, xs):\n return x in xs is not None, 1 == x not in xs", [(1, LIST), (9, LIST)]),
    "chain of different things": ("def f(x, y):\n return x == y is True, 1 < x != 3 > 2", [(True, 1), (3, True), (2, 2)]),
    "assert": ("def f(x):\n assert x, t('message')\n assert x > 1\n return x", [(0,), (1,), (2,)]),
    "augmented name": ("def f(xs):\n ys = xs\n ys += [1]\n return xs", [(LIST,)]),
    "augmented operators": (
        "def f(x):\n x += 3; x -= 1; x *= 7; x //= 2; x **= 2; x %= 31; x <<= 3; x >>= 1; x |= 1; x &= 14; x ^= 5\n"
        " y = x; y /= 4\n return x, y",
        [(2,)],
    ),
    "augmented item, order": ("def f(xs):\n t(xs)[t(0)] += t(xs.pop())\n return xs", [([1, 2],)]),
    "augmented item fails first": ("def f(xs):\n xs[9] += t(1)", [(LIST,)]),
    "augmented attribute": (
        "class P: pass\ndef f(x):\n p = P()\n p.v = x\n p.v += t(2)\n p.v *= p.v\n return p.v",
        [(3,)],
    ),
    "item assignment, order": ("def f(xs):\n t(xs)[t(1)] = t(5)\n return xs", [(LIST,)]),
    "attribute assignment, order": (
        "class P: pass\np = P()\ndef f(x):\n t(p.__class__.__name__)\n t(p).v = t(x)\n return p.v",
        [],
    ),
    "slices": (
        "def f(xs):\n xs[1:3] = [7]\n ys = xs[::-1]\n ys[:1] += [8]\n return xs, ys, xs[-1:], {(1, 2): 3}[1, 2]",
        [(LIST,)],
    ),
    "many targets": ("def f(xs):\n a = xs[0] = b, c = t((5, 6))\n return a, b, c, xs", [(LIST,)]),
    "unpacking": ("def f(p):\n a, (b, [c, d]) = p\n return a, b, c, d", [((1, (2, (3, 4))),), ((1, 2),)]),
    "starred": ("def f(xs):\n a, *b = xs\n *c, d = b\n c.append(9)\n return a, b, c, d", [(LIST,), ([],), ([1],)]),
    "unpacked from left to right": ("def f(xs):\n i = 0\n i, xs[i] = 1, 9\n xs[i], i = 8, 0\n return i, xs", [(LIST,)]),
    "swap": ("def f(a, b):\n for i in range(3): a, b = b, a\n return a, b", [(1, 2)]),
    "for over pairs": (
        "def f(xs):\n for i, (x, y) in enumerate(zip(xs, xs[1:])): t((i, x, y))\n return i, x, y",
        [(LIST,), ([1],)],
    ),
    "for into an item": ("def f(xs):\n for xs[0] in (5, 6): t(xs[1])\n return xs", [(LIST,)]),
    "annotations": ("def f(x: 'nowhere') -> None:\n y: nowhere = x\n z: int\n return y", [(1,)]),
    "annotation makes a local": ("def f(x):\n x.y: int\n z: int\n return z", [(1,)]),
    "displays": ("def f(x):\n return [x, *[1]], {x, 2}, {x: [x], **{3: 4}}, (x, *'ab'), [0] * x", [(2,)]),
    "strings": ("def f(x):\n return f'{x!r:>{x}} {x + 1}', '%d' % x", [(4,)]),
    "comprehensions": (
        "def f(xs):\n k = 2\n return [x * k for x in xs if x if x > 1], {x for x in xs}, {x: k for x in xs},"
        " [(x, y) for x in xs for y in range(x)], sum(x for x in xs if x != k)",
        [(LIST,)],
    ),
    "comprehension hides a name": ("def f(x, xs):\n ys = [x for x in xs]\n return x, ys", [(7, LIST)]),
    "conditions in a comprehension": (
        "def f(xs):\n return [t(x) if 0 < x < 3 else -x for x in xs if x or not xs]",
        [(LIST,)],
    ),
    "generator is lazy": (
        "def f(xs):\n k = 1\n g = (t(x) * k for x in xs)\n next(g)\n k = 10\n return next(g)",
        [(LIST,)],
    ),
    "defaults": ("def f(x, y=3, *z, k=4, **m):\n return x, y, z, k, m", [(1,), (1, 2, 3)]),
    "call with everything": (
        "def g(*a, **k): return a, k\ndef f(xs, m):\n return g(1, *xs, *xs, y=2, **m), g(function=1, self=2)",
        [(LIST, {"z": 5})],
    ),
    "methods": ("def f(s):\n return s.upper().join(['a', 'b']), s.nothing", [("x",)]),
    "nested function": ("def f(x):\n def g(y, z=x): return x + y + z\n x += 1\n return g(1), g(1, z=5)", [(1,)]),
    "nested recursion": ("def f(n):\n def g(k): return 1 if k < 2 else k * g(k - 1)\n return g(n)", [(5,)]),
    "decorators": (
        "def f(x):\n def twice(g): return lambda y: g(g(y))\n @t\n @twice\n def h(y):\n  return y + x\n return h(1)",
        [],
    ),
    "late binding": ("def f(x):\n g = lambda: x\n x += 1\n a = g()\n x = 7\n return a, g()", [(1,)]),
    "late binding through a loop": (
        "def f(n):\n s = 0\n g = lambda: s * 2\n for i in range(n):\n  s += i\n  t(g())\n return g()",
        [(4,), (0,)],
    ),
    "default binds early": (
        "def f(n):\n gs = []\n for i in range(n):\n  gs.append(lambda i=i: i)\n return [g() for g in gs]",
        [(3,)],
    ),
    "lambda with everything": ("def f(x):\n return (lambda a, /, b=x, *c, d, **e: (a, b, c, d, e, x))(1, d=2)", [(3,)]),
    "function used before it is live again": (
        "def f(xs):\n for x in xs:\n  def g(y): return x + y\n  t(g(1))\n return 0",
        [(LIST,)],
    ),
    "exception in a branch": ("def f(x):\n for i in range(3):\n  if i > x:\n   y = 1 // (i - 2)\n return 1", [(0,), (5,)]),
    "exception in a test": ("def f(x):\n y = 1\n if x > 0:\n  y = 2\n elif x['a']:\n  y = 3\n return y", [(0,), (1,)]),
    "exception in a callee": ("def g(x):\n y = 1\n return y / x\ndef f(x):\n t(x)\n return g(x)", [(0,), (1,)]),
    "exception in an iterator": ("def f(x):\n y = 0\n for i in (1 // (2 - k) for k in range(5)):\n  t(i)", [(0,)]),
    "not iterable": ("def f(x):\n y = 0\n for i in x:\n  y = 1\n return y", [(3,)]),
    "unpacking in a loop fails": ("def f(x):\n y = 0\n for i, j in x:\n  y = 1\n return y", [([(1, 2), (3,)],)]),
    "builtin shadowed": ("def f(len):\n vars = len + 1\n return vars", [(3,)]),
    "global shadowed later": ("def f(x):\n if x:\n  t(1)\n return t(2)\nt2 = t", [(0,), (1,)]),
    "unicode": ("def f(α):\n β = 'ä' * 3; γ = α // 0\n return β", [(1,)]),
    "long chain": ("def f(x):\n" + "".join(f" if x == {k}: return {k}\n" for k in range(40)), [(0,), (17,), (99,)]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_runs_as_it_stands(name):
    source, calls = PROGRAMS[name]
    outcomes = assert_same(source, *calls) if calls else []
    assert len(outcomes) == len(calls)


def test_objects_are_shared_with_plain_python():
    """Results that no comparison of two runs can show: identity and reprs with addresses."""
    source, _ = PROGRAMS["decorators"]
    namespace = load(source)
    assert rewrite(namespace["f"]).bind(PlainRuntime())(10) == 21
    source, _ = PROGRAMS["attribute assignment, order"]
    namespace = load(source)
    assert rewrite(namespace["f"]).bind(PlainRuntime())(4) == 4
    assert namespace["log"] == ["P", 4, namespace["p"]]


def test_closures_made_in_a_loop_share_its_variable():
    source = """
    def f(n):
        gs = []
        for i in range(n):
            gs.append(lambda: i)
        hs = [lambda: j for j in range(n)]
        return [g() for g in gs], [h() for h in hs]
    """
    (outcome,) = assert_same(source, (3,), forgetful=False)
    assert outcome.result == "([2, 2, 2], [2, 2, 2])"


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_random_programs(seed):
    source = random_program(random.Random(seed))
    assert_same(source, (1, 2, [3, 0, 1, 2]), (0, -1, [1, 2, 3, 4, 5]), (2, 3, []))


def test_random_programs_meet_every_outcome():
    """The random programs would show nothing if all of them stopped at their first line."""
    data = ((1, 2, [3, 0, 1, 2]), (2, 3, []))
    outcomes = [o for seed in range(150) for o in assert_same(random_program(random.Random(seed)), *data)]
    errors = [outcome.error for outcome in outcomes]
    assert {"IndexError", "UnboundLocalError", "NameError", "AssertionError", "ZeroDivisionError"} <= set(errors)
    assert errors.count("") > 100


@pytest.mark.parametrize("call", ["g(1, *x)", "g(1, x, **{'y': 2}, y=3)", "g(**x)", "g(**{1: 2})"])
def test_a_wrong_call_is_the_same_error(call):
    """Its message may name the runtime's `call` where Python names the function."""
    namespace = load(f"def g(a, *b, y=0): return y\ndef f(x):\n return {call}")
    for function in (namespace["f"], rewrite(namespace["f"]).bind(PlainRuntime())):
        with pytest.raises(TypeError) as caught:
            function(3)
        assert user_line(caught.value, namespace["f"]) == 3


def test_the_line_of_an_unbound_name():
    namespace = load("def f(x):\n if x:\n  y = 1\n x = 2\n return y")
    with pytest.raises(UnboundLocalError, match="^cannot access local variable 'y'") as caught:
        rewrite(namespace["f"]).bind(PlainRuntime())(0)
    assert user_line(caught.value, namespace["f"]) == 5


def test_methods_recursion_and_the_closures_of_the_user():
    namespace = load(
        """
        class Model:
            __secret = 5

            def value(self, n):
                return self.__secret + (self.value(n - 1) if n else 0)

        def factory(k):
            def count(n):
                return k if n == 0 else count(n - 1) + 1
            def change(new):
                nonlocal k
                k = new
            return count, change

        f, change = factory(10)
        """
    )
    runtime = PlainRuntime()
    value = rewrite(namespace["Model"].value).bind(runtime)
    assert value(namespace["Model"](), 3) == 20
    bound = rewrite(namespace["f"]).bind(runtime)
    namespace["change"](100)
    assert bound(3) == 103
    assert runtime.outside_names == {"k", "count"}


def test_the_rewritten_function_looks_like_the_users():
    def scale(x, y=2, *, z=3):
        """Scales."""
        return x * y * z

    bound = rewrite(scale).bind(PlainRuntime())
    assert (bound(5), bound(5, 1, z=1)) == (30, 5)
    assert (bound.__name__, bound.__qualname__, bound.__doc__) == ("scale", scale.__qualname__, "Scales.")
    assert (bound.__wrapped__, bound.__module__) == (scale, __name__)
    assert bound.__code__.co_filename == __file__
    assert bound.__code__.co_firstlineno == scale.__code__.co_firstlineno


def test_functions_of_one_code_object_are_rewritten_once():
    scales = [lambda x, k=k: x * k for k in range(3)]
    assert len({id(rewrite(scale).rewritten) for scale in scales}) == 1
    assert [rewrite(scale).bind(PlainRuntime())(10) for scale in scales] == [0, 10, 20]


def test_equal_code_of_two_files_stays_apart():
    first, second = (load("def f(x):\n return x")["f"] for _ in range(2))
    assert first.__code__ == second.__code__
    names = {rewrite(f).rewritten.code.co_filename for f in (first, second)}
    assert names == {first.__code__.co_filename, second.__code__.co_filename}


def test_traceback_shows_the_users_code_alone():
    namespace = load(
        """
        def f(xs):
            for x in xs:
                if x > 1:
                    y = 1 + (x / 0)
        """
    )
    bound = rewrite(namespace["f"]).bind(PlainRuntime())
    with pytest.raises(ZeroDivisionError) as caught:
        bound([1, 2])
    frames = [entry for entry in caught.traceback if str(entry.path) == namespace["f"].__code__.co_filename]
    assert [(entry.frame.code.name, entry.lineno + 1) for entry in frames] == [("f", 3), ("f", 4), ("f", 5)]
    entry = caught.tb
    while entry.tb_next is not None:
        entry = entry.tb_next
    positions = list(entry.tb_frame.f_code.co_positions())[entry.tb_lasti // 2]
    assert positions == (5, 5, 21, 26)


def test_live_names():
    namespace = load(
        """
        def f(x, n):
            s = 0
            for i in range(n):
                u = x[i] * 2
                s += u
                last = u
            while s > 100:
                v = s / 2
                s = v
            return s, last
        """
    )
    runtime = PlainRuntime()
    rewrite(namespace["f"]).bind(runtime)([1, 100], 2)
    assert runtime.live == {4: (("s",), ("last", "s")), 8: (("s",), ("s",))}


def test_names_of_lambdas_in_calls_are_not_live_everywhere():
    namespace = load(
        """
        def f(xs):
            for x in xs:
                y = max(x, 1)
                z = sum(y * k for k in xs) + sorted(xs, key=lambda k: y)[0]
            for x in xs:
                w = x
                g = lambda: w
            return z, g()
        """
    )
    runtime = PlainRuntime(forgetful=False)
    rewrite(namespace["f"]).bind(runtime)([1, 2])
    assert runtime.live == {3: ((), ("z",)), 6: (("w",), ("g", "w"))}


def test_source_of_rewritten_code():
    namespace = load(
        """
        def f(x, n):
            for i in range(n):
                if x[i] < 0: continue
                x[i] = x[i] and -x[i]
            return np.sum(x)
        """
    )
    expected = """
    def f(x, n):
        i = __c.UNDEFINED

        def __body_1(__item):
            nonlocal i
            i = __item

            def __then_2():
                pass

            def __else_2():
                __c.set_item(__c.and_(__c.item(x, __c.local(i, 'i')), lambda: -__c.item(x, __c.local(i, 'i'))), x, __c.local(i, 'i'))

            def __get_2():
                return ()

            def __set_2(__values):
                pass
            __c.if_(__c.item(x, __c.local(i, 'i')) < 0, __then_2, __else_2, __get_2, __set_2, assigned=(), live_out=(), line=4)

        def __get_1():
            return (i,)

        def __set_1(__values):
            nonlocal i
            i, = __values
        __c.for_(__c.call(__c.outside(range, 'range', __function), n), __body_1, None, __get_1, __set_1, assigned=('i',), live_head=(), live_out=(), line=3)
        return __c.call(__c.attribute(__c.outside(np, 'np', __function), 'sum'), x)
    """  # noqa: E501
    assert rewritten_source(namespace["f"]) == textwrap.dedent(expected).strip()
