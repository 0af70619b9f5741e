"""The closed set of reasons for which a random program may be refused, each by the form of its message."""

from __future__ import annotations

from collections.abc import Mapping

_IN_BRANCH = "in a branch of an `if` that is decided when the program runs"
_N = "(`[^`]+`|an array|a value|what the function returns)"

REASONS: Mapping[str, str] = {
    "start used under another name": rf"{_N} names another array from the second trip on, and the array .*",
    "end from outside the loop": rf"{_N} names, from the second trip on, an array from outside the loop, .*",
    "two names of one array in some trips": rf"{_N} and {_N} may name one array in some trips only, .*",
    "late name of an array with others": rf"{_N} gets its first value in the loop, is used after it, .*",
    "stale in each trip": rf"{_N} is read in each trip of a loop, but .*",
    "stale": rf"{_N} is read, but (it may share memory with|what it holds depends on) .*",
    "made in a block, used outside": rf"{_N} was (made|computed) in a loop or branch and .*",
    "no value here": rf"{_N} has no value (here|at the end of a trip): .*",
    "no value in a branch": rf"cannot access local variable '\w+' .*, {_IN_BRANCH}",
    "raised in a body that may not run": r".*, in a loop that may make no trip",
    "raised in some trips": r".*, in some trips of a loop",
    "type changes": rf"{_N} is .* before the loop and .* after a trip.*",
    "type differs between branches": r".* (is .* in one branch of .*|is .*, which of them depends on data)",
    "shape changes": rf"{_N} changes its shape in the loop, .*",
    "python object in a block": r".* changes a \w+ made outside .*: it would happen once, while tracing",
    "truth of an array": r"the truth of an array is ambiguous",
    "truth of a traced value": r"the truth of a traced value is needed, .*",
    "plain integer of a traced value": r"a plain integer of a traced value is needed, .*",
    "overlapping arguments": r"`\w+` and `\w+` overlap in memory, and the function writes one of them",
    "loop too long": r"a loop of \d+ trips is too long to be unrolled",
    "mask with a value an element": r"what is stored in .*\[mask\]` has as many elements as the mask .*",
    "shapes that do not fit": r"(could not broadcast input array|operands could not be broadcast) .*",
    "reduction of nothing": r"zero-size array to reduction operation .*",
    "final contents unknown": rf"the final contents of {_N} are not known: .*",
    "ragged state": rf"the derivative needs (a value|{_N}) of every trip of a loop, and its size .*",
}
