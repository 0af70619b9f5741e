"""What is not supported, as users meet it: whole messages, with file, line, reason and a suggested edit.

`unsupported.txt` holds programs, each followed by what is said about it; FILE stands for the user's file.
"""


import numpy as np
import pytest
from captured_programs import load
from refusal_texts import entries

from adcompiler import CaptureError, adjoint

X = np.array([0.5, 1.5, -2.5, 0.2, 0.3])
K = np.array([2, 1, 1])


MESSAGES = entries("unsupported.txt")


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    program, message = MESSAGES[name]
    f = load(program)["f"]
    arguments = (X, K)[: f.__code__.co_argcount]
    with pytest.raises(CaptureError) as error:
        adjoint(f, backend="numpy")(*arguments)
    assert str(error.value).replace(error.value.location.file, "FILE") == message
    assert "\nhint: " in message


def test_every_statement_that_is_refused_is_in_the_text():
    """The table of refused constructs holds no entry that the text does not show."""
    from adcompiler.frontend import refusals

    shown = "\n".join(message for _, message in MESSAGES.values())
    kinds = {what.split("{")[0].rstrip("`") for what, _ in refusals._STATEMENTS.values()}
    calls = {f"`{name}()`" for name in refusals._CALLS}
    unreachable = {"`async with", "`await", "`type "}  # in `async def` only; syntax of Python 3.12
    assert {what for what in kinds | calls if what not in shown} == unreachable
