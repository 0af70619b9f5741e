"""Rewritten code under the runtime of plain Python does what the user's code does."""

import ast
import gc
import random
import textwrap
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_programs import PROGRAMS
from plain_runtime import PlainRuntime
from programs import assert_same, load, user_line
from random_programs import random_program

from adcompiler.frontend.rewriting import rewrite, rewritten_source


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
    assert {"IndexError", "UnboundLocalError", "NameError", "AssertionError", "ZeroDivisionError"} <= set(
        errors
    )
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


def test_names_of_nested_functions_are_their_own():
    namespace = load(
        """
        def f(xs):
            for x in xs:
                y = x
            def g(x):
                y = x
                return y + x
            return g(1)
        """
    )
    runtime = PlainRuntime()
    rewrite(namespace["f"]).bind(runtime)([1, 2])
    assert runtime.live == {3: ((), ())}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_the_runtime_is_asked_about_everything(seed):
    """What Python would decide by itself does not occur in rewritten code."""
    decided = (
        ast.If,
        ast.For,
        ast.While,
        ast.IfExp,
        ast.BoolOp,
        ast.AugAssign,
        ast.Subscript,
        ast.Not,
        ast.Assert,
    )
    definition = rewrite(load(random_program(random.Random(seed)))["f"]).rewritten.definition
    for node in ast.walk(definition):
        assert not isinstance(node, decided)
        assert not isinstance(node, ast.Compare) or len(node.ops) == 1
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node.value) == "__c"
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Attribute)


def test_rewritten_code_dies_with_the_users():
    namespace = load("def f(x):\n return x")
    rewrite(namespace["f"])
    code = weakref.ref(namespace["f"].__code__)
    del namespace
    gc.collect()
    assert code() is None


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
            i = __c.named(__item, 'i')

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
