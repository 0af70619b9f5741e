"""The command line: what it prints, with which exit code, and what it refuses."""

import json
import os
import subprocess
import sys
import textwrap
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.backends.cache import environment
from adcompiler.backends.cuda.device import toolkit
from adcompiler.backends.storage import keep
from adcompiler.cli import CHECK_FAILED, UNSUPPORTED, USAGE, commands, main
from adcompiler.cli.output import plain, shown
from adcompiler.cli.show import STAGES
from adcompiler.cli.values import Examples, Unreadable, parse_value
from adcompiler.ir.op import Partials
from adcompiler.ir.ops.trigonometric import cos, sin

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPRESSION = ("examples/expression.py:loss", "--arg", "a=2.0", "--arg", "b=-3.0", "--arg", "c=10.0")
TWO_LAYER = (
    "examples/two_layer.py:loss",
    *("--arg", "w1=[[.1, .2], [.3, .4]]", "--arg", "b1=[.01, .02]", "--arg", "w2=[[.5, .6]]"),
    *("--arg", "b2=.03", "--arg", "x=[1., 2.]", "--arg", "y=1."),
)
POWER = ("examples/power.py:power", "--arg", "x=f64", "--arg", "n=i64")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line in the repository; its exit code, stdout and stderr."""
    monkeypatch.chdir(EXAMPLES.parent)
    monkeypatch.setenv("COLUMNS", "80")

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main(args)
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return command


@pytest.fixture
def output(run):
    """The stdout of a command line that succeeds and has nothing to say."""

    def command(*args):
        code, out, err = run(*args)
        assert (code, err) == (0, "")
        return out.rstrip("\n")

    return command


@pytest.fixture
def refusal(run):
    """The exit code and message of a command line that prints no data."""

    def command(*args):
        code, out, err = run(*args)
        assert out == ""
        return code, err

    return command


@pytest.fixture
def written(tmp_path):
    """A file with a program, by its path."""

    def write(source):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def wrong_sine():
    """A planted error: the derivative of the sine has the wrong sign."""
    right = sin.derivative
    object.__setattr__(sin, "derivative", Partials(lambda x, y: [-cos(x)]))
    yield
    object.__setattr__(sin, "derivative", right)


# ---- grad ----


def test_grad_of_an_expression(output, golden):
    text = output("grad", *EXPRESSION)
    for line in ("dL/de = 8", "dL/dd = 8", "dL/dc = 8", "dL/da = -24", "dL/db = 16"):
        assert line in text
    golden("grad_expression", text)


def test_grad_of_the_square_of_a_sum(output, golden):
    text = output("grad", "examples/expression.py:square_of_sum", "--arg", "a=2.0", "--arg", "b=3.0")
    assert text.splitlines()[-2:] == ["dsquare_of_sum/da = 10", "dsquare_of_sum/db = 10"]
    golden("grad_square_of_sum", text)


def test_grad_of_a_network_as_a_table(output, golden):
    golden("grad_two_layer", output("grad", *TWO_LAYER))


def test_grad_of_a_network_as_by_hand(output):
    found = json.loads(output("grad", *TWO_LAYER, "--json"))
    assert found["value"] == pytest.approx(0.001849, abs=1e-15)
    by_hand = {
        "w1": [[-0.043, -0.086], [-0.0516, -0.1032]],
        "b1": [-0.043, -0.0516],
        "w2": [[-0.04386, -0.09632]],
        "b2": -0.086,
        "x": [-0.01978, -0.02924],
        "y": 0.086,
    }
    assert found["gradients"].keys() == by_hand.keys()
    for name, gradient in by_hand.items():
        np.testing.assert_allclose(found["gradients"][name], gradient, rtol=0, atol=1e-15, err_msg=name)
    steps = {step["name"]: step for step in found["steps"]}
    np.testing.assert_allclose(steps["h"]["cotangent"], [-0.043, -0.0516], atol=1e-15)
    np.testing.assert_allclose(steps["z1"]["value"], [0.51, 1.12], atol=1e-15)
    assert steps["h"]["local"] == {"z1": [1.0, 1.0]}


def test_local_derivatives_follow_the_chain_rule(output):
    """The derivative of the whole is the sum over all uses of derivative times local derivative."""
    found = json.loads(output("grad", *EXPRESSION, "--json"))
    whole = {step["name"]: step["cotangent"] for step in found["steps"]}
    sums = dict.fromkeys("abc", 0.0)
    for step in found["steps"]:
        for operand, slope in step["local"].items():
            if operand in sums:
                sums[operand] += whole[step["name"]] * slope
    assert sums == found["gradients"] == {"a": -24.0, "b": 16.0, "c": 8.0}


def test_grad_of_a_loop_is_one_step(output, golden):
    golden("grad_power", output("grad", "examples/power.py:power", "--arg", "x=1.5", "--arg", "n=10"))


def test_grad_with_respect_to_some_arguments(output):
    text = output("grad", *EXPRESSION, "--wrt", "c")
    assert text.splitlines()[-1] == "dL/dc = 8"
    assert "dL/da" not in text


def test_grad_takes_trees_and_defaults(output, written):
    file = written(
        """
        def tree(p, *rest, scale=2.0):
            return p[0] * p[1] + scale
        """
    )
    text = output("grad", f"{file}:tree", "--arg", "p=(2.0, 3.0)")
    assert text.splitlines()[-3:] == ["dtree/dp[0] = 3", "dtree/dp[1] = 2", "dtree/dscale = 1"]


def test_grad_shows_large_arrays_by_their_norm(output, written):
    file = written("import numpy as np\ndef f(x):\n    y = x * x\n    return np.sum(y)\n")
    ones = ", ".join(["1.0"] * 25)
    text = output("grad", f"{file}:f", "--arg", f"x=[{ones}]")
    assert "y = f64[25] of norm 5 " in text
    assert text.splitlines()[-1] == "df/dx = f64[25] of norm 10"


def test_grad_keeps_the_dtype(output, written):
    file = written("def f(x):\n    return x * x\n")
    third = output("grad", f"{file}:f", "--arg", "x=0.1:f32").splitlines()[-1]
    assert third == f"df/dx = {float(np.float32(0.1) * 2):.10g}"


# ---- show ----


@pytest.mark.parametrize("stage", ["trace", "simplified", "adjoint", "tangent", "sympy"])
@pytest.mark.parametrize(("name", "target"), [("expression", EXPRESSION), ("power", POWER)])
def test_show(output, golden, name, target, stage):
    golden(f"show_{name}_{stage}", output("show", *target, "--stage", stage))


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("kernels", "mul -> f64"),
        ("memory", "workspace  8*n"),
        ("numpy", "def power_grad(x, n):"),
        ("numba", "@njit("),
        ("llvm", "define"),
        ("asm", ".globl"),
        ("cuda", "launch(power_grad_kernel, points(), "),
        ("ptx", ".visible .entry"),
    ],
)
def test_show_code(output, stage, part):
    assert part in output("show", *POWER, "--stage", stage)


def test_the_adjoint_is_shown_unless_another_stage_is_asked_for(output):
    assert output("show", *POWER) == output("show", *POWER, "--stage", "adjoint")


def test_show_keeps_named_sizes_symbolic(output, written):
    file = written("def f(x, y):\n    return x * y\n")
    text = output("show", f"{file}:f", "--arg", "x=f32[n, 3]", "--arg", "y=f32[n, 3]", "--stage", "trace")
    assert "x: f32[n, 3], y: f32[" in text
    assert "f32[5" not in text


def test_show_of_several_results_is_the_adjoint(output, written):
    file = written("def f(x):\n    return x * 2.0\n")
    assert "y_bar" in output("show", f"{file}:f", "--arg", "x=f64[n]", "--stage", "numpy")


def test_formulas_are_those_of_the_function(output):
    """What stage sympy prints, evaluated as Python, is the gradient."""
    lines = output("show", *EXPRESSION, "--stage", "sympy").splitlines()
    found = dict(line.split(" = ") for line in lines if line)
    point = {"a": 2.0, "b": -3.0, "c": 10.0}
    assert {name: eval(text, point.copy()) for name, text in found.items()} == {
        "L": 16.0,
        "dL/da": -24.0,
        "dL/db": 16.0,
        "dL/dc": 8.0,
    }


# ---- verify ----


def test_verify(output):
    lines = output("verify", *EXPRESSION).splitlines()
    assert "partials proven" in lines
    assert "whole program proven" in lines


def test_verify_never_calls_a_loop_proven(output):
    text = output("verify", *POWER)
    assert "whole program proven" not in text
    assert "whole program agrees to" in text


def test_a_wrong_derivative_is_found(run, written, wrong_sine):
    file = written("import numpy as np\ndef f(x):\n    return np.sin(x) * x\n")
    code, out, err = run("verify", f"{file}:f", "--arg", "x=0.5")
    assert (code, out) == (CHECK_FAILED, "")
    assert f"{file}:3: wrong derivative of sin" in err
    code, out, _ = run("verify", f"{file}:f", "--arg", "x=0.5", "--json")
    found = json.loads(out)
    assert (code, found["ok"]) == (CHECK_FAILED, False)
    assert "wrong derivative of sin" in found["counterexample"]


# ---- demo, doctor, help ----


def test_demo(output, tmp_path):
    """In one process, then in another: the second compiles nothing."""
    plot = tmp_path / "fit.png"
    found = json.loads(output("demo", "--plot", str(plot), "--json"))
    assert found["reached"] and found["plot"] == str(plot)
    assert plot.read_bytes().startswith(b"\x89PNG")
    command = [sys.executable, "-m", "adcompiler", "demo", "--plot", str(plot), "--json"]
    again = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["compilations"] == 0


def test_doctor(output):
    lines = output("doctor").splitlines()
    names = [line.split("  ")[0] for line in lines]
    assert names[:4] == ["adcompiler", "python", "numpy", "numba"]
    assert [name for name in names if name][-4:] == ["BLAS", "threads", "CUDA", "cache"]


def test_doctor_as_json(output):
    found = json.loads(output("doctor", "--json"))
    assert found["packages"]["numpy"] == np.__version__
    assert found["problems"] == []
    missing = toolkit.missing()
    assert found["cuda"]["missing"] == missing and bool(found["cuda"]["devices"]) == (missing is None)
    assert Path(found["cache"]["folder"]).is_dir()


def test_doctor_finds_a_cache_folder_that_cannot_be(run, monkeypatch, written):
    file = written("")
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", f"{file}/cache")
    code, out, err = run("doctor")
    assert code == CHECK_FAILED
    assert err == f"the cache folder {file}/cache cannot be made: Not a directory\n"
    assert "cache       none" in out


def test_cache(output, monkeypatch, tmp_path):
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(tmp_path / "cache"))
    assert output("cache", "info").splitlines()[1:] == [
        "modules         0, 0.0 MiB",
        "limit           512.0 MiB",
        "used            never",
        "other versions  0, 0.0 MiB",
    ]
    now = time.time()
    for where, age in (("numba-0", 3.0), (environment(True), 1.0)):
        keep(Path(where, "f_0.py"), bytes(2**20))
        os.utime(tmp_path / "cache" / where / "f_0.py", (now - age * 86400, now - age * 86400))
    found = json.loads(output("cache", "info", "--json"))
    assert (found["folder"], found["modules"], found["bytes"]) == (str(tmp_path / "cache"), 2, 2**21)
    assert found["other_versions"] == {"modules": 1, "bytes": 2**20}
    assert found["oldest_use"] == datetime.fromtimestamp(now - 3 * 86400).isoformat(" ", "minutes")
    assert output("cache", "clear", "--older-than", "2") == "freed 1.0 MiB of 1 module"
    assert json.loads(output("cache", "info", "--json"))["other_versions"]["modules"] == 0
    assert output("cache", "clear") == "freed 1.0 MiB of 1 module"
    assert list((tmp_path / "cache").iterdir()) == []


COMMANDS = ["cache clear", "cache info", "demo", "doctor", "grad", "plan", "show", "verify"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help(output, name):
    text = " ".join(output(*name.split(), "--help").split())
    command = commands[name.split()[0]]
    command = getattr(command, "commands", {}).get(name.split()[-1], command)
    assert text.startswith(f"Usage: adcompiler {name} [OPTIONS]")
    assert command.get_short_help_str(limit=200) in text
    options = [x for x in command.params if x.param_type_name == "option"]
    assert options and all(" ".join(option.help.split()) in text for option in options)


def test_the_module_is_the_command_line():
    command = [sys.executable, "-m", "adcompiler", "--version"]
    found = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True, check=True)
    assert found.stdout == "adcompiler, version 0.1.0\n"


@pytest.mark.parametrize(
    "command",
    [
        *(("show", *EXPRESSION), ("grad", *EXPRESSION), ("verify", *EXPRESSION), ("plan", *EXPRESSION)),
        *(("doctor",), ("cache", "info"), ("cache", "clear")),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_json_is_one_object(output, command):
    assert isinstance(json.loads(output(*command, "--json")), dict)


def test_every_command_takes_json(output):
    lines = output("--help").partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in lines if line] == sorted(commands)
    for name, command in commands.items():
        for inner in getattr(command, "commands", {name: command}):
            assert "--json" in output(*dict.fromkeys((name, inner)), "--help")


# ---- exit code 1: a check failed ----


def test_a_failing_assertion_of_the_function(refusal, written):
    file = written("def f(x):\n    assert x > 0, 'x must be positive'\n    return x\n")
    assert refusal("grad", f"{file}:f", "--arg", "x=-1.0") == (
        CHECK_FAILED,
        f"Error: AssertionError: x must be positive\n{file}:2: assert x > 0, 'x must be positive'\n",
    )


def test_a_demonstration_that_does_not_reach_the_optimum(run, monkeypatch, tmp_path):
    source = (EXAMPLES / "lotka_volterra.py").read_text(encoding="utf-8")
    (tmp_path / "lotka_volterra.py").write_text(
        source.replace("OPTIMAL_LOSS = 2.0187", "OPTIMAL_LOSS = 1.0"), encoding="utf-8"
    )
    (tmp_path / "data").symlink_to(EXAMPLES / "data")
    monkeypatch.setattr("adcompiler.cli.demo.FOLDERS", (tmp_path,))
    code, out, err = run("demo", "--plot", str(tmp_path / "fit.png"))
    assert (code, err) == (CHECK_FAILED, "the fit did not reach the known optimum\n")
    assert "2.0187" in out


# ---- exit code 2: the command line cannot be understood ----


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("examples/nowhere.py:loss", "'examples/nowhere.py' is no Python file; a target is FILE.py:FUNCTION"),
        ("README.md:loss", "'README.md' is no Python file; a target is FILE.py:FUNCTION"),
        ("examples:loss", "'examples' is no Python file; a target is FILE.py:FUNCTION"),
        ("loss", "'loss' is no Python file; a target is FILE.py:FUNCTION"),
        (
            "examples/expression.py:los",
            "examples/expression.py has no function `los`; it has loss, square_of_sum",
        ),
        (
            "examples/expression.py",
            "examples/expression.py names no function; it has loss, square_of_sum",
        ),
        ("examples/expression.py:__doc__", "examples/expression.py has no function `__doc__`; it has"),
    ],
)
@pytest.mark.parametrize("command", ["show", "grad", "verify"])
def test_unknown_target(refusal, command, target, message):
    code, err = refusal(command, target)
    assert code == USAGE
    assert message in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a=1.0"], "examples/expression.py:loss needs --arg for b, c; its arguments are a, b, c"),
        (["a=1.0", "z=1.0"], "examples/expression.py:loss has no argument z; its arguments are a, b, c"),
        (["a"], "--arg a: write NAME=VALUE"),
        (["a=f64", "b=1.0", "c=1.0"], "--arg a: `f64` is a type, and a value is needed"),
        (["a=f65", "b=1.0", "c=1.0"], "--arg a: `f65` is neither a value nor a type; a string needs quotes"),
        (["a=1 +", "b=1.0", "c=1.0"], "--arg a: `1 +` is neither a value nor a type"),
        (["a=[1, [2]]", "b=1.0", "c=1.0"], "--arg a: the rows of `[1, [2]]` differ in length"),
    ],
)
def test_unusable_arguments(refusal, args, message):
    options = [part for arg in args for part in ("--arg", arg)]
    code, err = refusal("grad", "examples/expression.py:loss", *options)
    assert code == USAGE
    assert message in err


@pytest.mark.parametrize(
    "args",
    [
        ("show", *POWER, "--stage", "machine"),
        ("grad", *EXPRESSION, "--verbose"),
        ("compile",),
        ("demo", "--plot", "."),
    ],
)
def test_unusable_options(refusal, args):
    code, err = refusal(*args)
    assert code == USAGE
    assert err.startswith("Usage: adcompiler")


def test_unknown_argument_to_differentiate(refusal):
    assert refusal("grad", *EXPRESSION, "--wrt", "z") == (
        USAGE,
        "Error: there is no argument `z`\nhint: the arguments are a, b, c\n",
    )


def test_a_file_that_cannot_be_imported(refusal, written):
    file = written("1 / 0\n")
    code, err = refusal("show", f"{file}:f")
    assert code == USAGE
    assert f"{file} cannot be imported: ZeroDivisionError: division by zero" in err


def test_a_plot_without_matplotlib(refusal, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, err = refusal("demo", "--plot", "fit.png")
    assert code == USAGE
    assert "--plot needs matplotlib: pip install 'adcompiler[plot]'" in err


# ---- exit code 3: an unsupported construct ----


def test_an_unsupported_construct(refusal, written):
    file = written("def f(x):\n    with x:\n        return x\n")
    assert refusal("show", f"{file}:f", "--arg", "x=f64") == (
        UNSUPPORTED,
        f"Error: {file}:2: `with` is not supported in a captured function\n"
        "    with x:\n"
        "    ^\n"
        "hint: do this work before the call, and pass its results as arguments\n",
    )


def test_a_function_without_a_derivative(refusal, written):
    file = written("def f(n):\n    return n * 2\n")
    code, err = refusal("verify", f"{file}:f", "--arg", "n=3")
    assert code == UNSUPPORTED
    assert "argument `n` is an int, and has no derivative" in err


def test_a_function_that_returns_an_array(refusal, written):
    file = written("def f(x):\n    return x * 2.0\n")
    code, err = refusal("grad", f"{file}:f", "--arg", "x=[1.0, 2.0]")
    assert code == UNSUPPORTED
    assert "`f` returns an array of f64[2], and a gradient needs one float scalar" in err


# ---- values ----


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("-2.5e3", -2500.0),
        ("+1", 1),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("none", None),
        ("-inf", -np.inf),
        ("'a:f32'", "a:f32"),
        ('"a"', "a"),
        ("(1, 2.0)", (1, 2.0)),
        ("()", ()),
        ("2:f64", np.float64(2)),
        ("true:i8", np.int8(1)),
    ],
)
def test_scalar_values(text, value):
    found = parse_value(text)
    assert type(found) is type(value) and found == value


@pytest.mark.parametrize(
    ("text", "dtype", "shape"),
    [
        ("[[.1, .2], [.3, 4]]", np.float64, (2, 2)),
        ("[1, 2]", np.int64, (2,)),
        ("[true, false]", np.bool_, (2,)),
        ("[1, 2]:f32", np.float32, (2,)),
        ("[]", np.float64, (0,)),
        ("[inf, nan]", np.float64, (2,)),
        ("[[[1]]]:u8", np.uint8, (1, 1, 1)),
    ],
)
def test_array_values(text, dtype, shape):
    found = parse_value(text)
    assert (found.dtype, found.shape) == (dtype, shape)


@given(st.lists(st.lists(st.floats(allow_nan=False), min_size=2, max_size=2), max_size=4))
def test_lists_of_floats_are_read_exactly(rows):
    found = parse_value(repr(rows))
    assert found.tolist() == rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "()[0]",
        "1 + 1",
        "print(1)",
        "__import__('os').getcwd()",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "{1: 2}",
        "1j",
        "b'a'",
        "f'{1}'",
        "-true",
        "['a']",
        "[none]",
        "[1e400, 99999999999999999999]:i64x",
        "[99999999999999999999]",
        "'a':f32",
        "1; 2",
        "x = 1",
        "\0",
        "(" * 500,
        "f64",
    ],
)
def test_what_is_no_literal_is_refused(text):
    with pytest.raises(Unreadable):
        parse_value(text)


def test_a_size_is_the_same_wherever_it_is_named():
    examples = Examples()
    x, y = examples.value("x", "f64[n, 3]"), examples.value("y", "i32[m,n]")
    n = examples.value("n", "i64")
    assert x.shape == (n, 3) and y.shape[1] == n != y.shape[0]
    assert (x.dtype, y.dtype, y.any()) == (np.float64, np.int32, False)


@pytest.mark.parametrize("text", ["f64[n + 1]", "f64[-1]", "f64[]", "bool"])
def test_types_without_an_example(text):
    with pytest.raises(Unreadable):
        Examples().value("x", text)


# ---- output ----


def test_numbers_are_shown_to_ten_digits():
    assert shown(-0.04300000000000004) == "-0.043"
    assert shown(np.array([[1.0, 2.5]])) == "[[1, 2.5]]"
    assert shown(np.bool_(True)) == "True"


def test_json_has_no_nan():
    assert plain({"x": np.array([1.0, np.nan, -np.inf]), "n": np.int8(3)}) == {
        "x": [1.0, "nan", "-inf"],
        "n": 3,
    }


def test_the_stages_are_those_of_the_manual(output):
    text = output("show", "--help")
    assert all(f"  {stage} " in text or f"{stage}, " in text for stage in STAGES if stage != "asm")
