"""What is compiled of one captured function: primal, gradient, value and gradient, pullback, tangent.

Each program is made when it is first asked for. Here the leaves that the frontend found become parameters,
and the results of programs the structures that users see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optree

from . import pipeline
from .backends import Compiled
from .frontend.arguments import NAMESPACE, flatten, ready
from .frontend.captured import Argument, Captured, Operands
from .ir.errors import ArgumentError, DerivativeError
from .ir.graph import Function
from .ir.text import to_text
from .pipeline import Options
from .transforms.partition import Partition
from .verification.report import verify
from .verification.verdict import Verdict

Results = Sequence[Any]


@dataclass(frozen=True)
class Choice:
    """What a gradient function was made with."""

    options: Options
    argnums: int | tuple[int, ...]
    argnames: tuple[str, ...] | None
    has_aux: bool

    @property
    def key(self) -> tuple[tuple[str, Any], ...]:
        """The part of the specialisation key that is the user's choice."""
        return (
            ("options", self.options),
            ("argnums", self.argnums),
            ("argnames", self.argnames),
            ("has_aux", self.has_aux),
        )


@dataclass(frozen=True)
class Chosen:
    """One argument that is differentiated: its tree, and for each leaf its place in `wrt` (None: not a float)."""

    name: str
    structure: optree.PyTreeSpec
    places: tuple[int | None, ...]

    def assemble(self, gradients: Results) -> Any:
        """The gradients in the structure of the argument."""
        leaves = [None if place is None else gradients[place] for place in self.places]
        return optree.tree_unflatten(self.structure, leaves)


class Programs:
    """The programs of one specialisation; each is called with the `Operands` that the frontend prepared.

    `parameters` are the names of the parameters of the user's function.
    """

    def __init__(self, captured: Captured, choice: Choice, parameters: tuple[str, ...]) -> None:
        self.captured = captured
        self.parameters = parameters
        self.choice = choice
        self.function = captured.function

    # ---- what users call ----

    @cached_property
    def gradient(self) -> Callable[[Operands], Any]:
        """The gradient alone."""
        call, assemble = self._gradient_program, self._assemble
        if not isinstance(self.choice.argnums, int) or self.choice.argnames is not None:
            return lambda operands: assemble(call.call(*operands.values, *operands.sizes))
        (chosen,) = self._chosen
        if len(chosen.places) == 1 and chosen.structure.is_leaf():
            return lambda operands: call.call(*operands.values, *operands.sizes)[0]
        return lambda operands: chosen.assemble(call.call(*operands.values, *operands.sizes))

    @cached_property
    def value_and_grad(self) -> Callable[[Operands], tuple[Any, Any]]:
        """The value (with aux beside it, if there is any) and the gradient."""
        call, n = self._value_and_gradient_program, len(self.function.body.results)

        def run(operands: Operands) -> tuple[Any, Any]:
            results = call.call(*operands.values, *operands.sizes)
            return self.captured.returned(results[:n]), self._assemble(results[n:])

        return run

    def primal(self, operands: Operands, leaves: Sequence[Any]) -> Any:
        """What the function returns; arguments that it writes are written."""
        results = self._primal_program.call(*operands.values, *operands.sizes)
        for result, parameter in self.function.written:
            leaf = next(
                x for x, a in zip(leaves, self.captured.arguments, strict=True) if a.parameter == parameter
            )
            leaf[...] = results[result]
        return self.captured.returned(results)

    def vjp(self, operands: Operands) -> tuple[Any, ...]:
        """(returned, pullback), with aux (value, pullback, aux)."""
        forward, pullback = self._pullback_programs
        n = len(self.function.body.results)
        results = forward.call(*operands.values, *operands.sizes)
        residuals, sizes = results[n:], operands.sizes
        returned = self.captured.returned(results[:n])
        value = returned[0] if self.choice.has_aux else returned

        def pull(cotangent: Any) -> Any:
            bars = self._cotangents(cotangent, value, results)
            return self._assemble_tuple(pullback.call(*residuals, *bars, *sizes))

        return (value, pull, returned[1]) if self.choice.has_aux else (value, pull)

    def jvp(self, operands: Operands, tangents: Sequence[Any]) -> tuple[Any, Any]:
        """(returned, its tangent); a part of the result that is not a float has tangent None."""
        dots = self._tangents(tangents)
        results = self._tangent_program.call(*operands.values, *dots, *operands.sizes)
        n = len(self.function.body.results)
        moved = dict(zip(self._float_results, results[n:], strict=True))
        leaves = [None if out.result is None else moved.get(out.result) for out in self.captured.outputs]
        return self.captured.returned(results[:n]), optree.tree_unflatten(self.captured.result, leaves)

    def verify(self, operands: Operands) -> Verdict:
        """What can be proven of the adjoint, near these arguments."""
        sizes = dict(zip(self.function.sizes, operands.sizes, strict=True))
        return verify(
            self.function,
            self.stage("adjoint"),
            self.wrt,
            tangent=self.stage("tangent"),
            args=operands.values,
            sizes=sizes,
        )

    # ---- what tools show ----

    def text(self, stage: str) -> str:
        """The program of a stage as text."""
        return to_text(self.stage(stage))

    def stage(self, name: str) -> Function:
        """The Function of a stage: "trace", "primal", "adjoint", "tangent" or "gradient"."""
        plan = self.choice.options.plan
        stages: dict[str, Callable[[], Function]] = {
            "trace": lambda: self.function,
            "primal": lambda: pipeline.primal(self.function),
            "adjoint": lambda: pipeline.adjoint(self.function, self.wrt, plan),
            "tangent": lambda: pipeline.tangent(self.function, self.wrt),
            "gradient": lambda: self._gradient_function(()),
        }
        if name not in stages:
            raise ArgumentError(f"there is no stage {name!r}", hint="the stages are " + ", ".join(stages))
        return stages[name]()

    def source(self, stage: str) -> str:
        """The generated Python source of a stage: "primal", "gradient" or "value_and_grad"."""
        return self.compiled(stage).source

    def compiled(self, stage: str) -> Compiled:
        """The compiled program of a stage."""
        stages: dict[str, Callable[[], Compiled]] = {
            "primal": lambda: self._primal_program,
            "gradient": lambda: self._gradient_program,
            "value_and_grad": lambda: self._value_and_gradient_program,
        }
        if stage not in stages:
            raise ArgumentError(
                f"there is no program {stage!r}", hint="the programs are " + ", ".join(stages)
            )
        return stages[stage]()

    # ---- the programs ----

    @cached_property
    def _primal_program(self) -> Compiled:
        return self._compile(pipeline.primal(self.function))

    @cached_property
    def _gradient_program(self) -> Compiled:
        return self._compile(self._gradient_function(()))

    @cached_property
    def _value_and_gradient_program(self) -> Compiled:
        return self._compile(self._gradient_function(range(len(self.function.body.results))))

    @cached_property
    def _tangent_program(self) -> Compiled:
        return self._compile(pipeline.tangent(self.function, self.wrt))

    @cached_property
    def _pullback_programs(self) -> tuple[Compiled, Compiled]:
        parts: Partition = pipeline.pullback(self.function, self.wrt, self.choice.options.plan)
        return self._compile(parts.forward), self._compile(parts.pullback)

    def _gradient_function(self, values: Sequence[int]) -> Function:
        return pipeline.gradient(self.function, self.wrt, self.loss, self.choice.options.plan, values)

    def _compile(self, function: Function) -> Compiled:
        return pipeline.compiled(function, self.choice.options)

    # ---- arguments ----

    @cached_property
    def wrt(self) -> tuple[int, ...]:
        """The parameters of the Function that are differentiated."""
        return tuple(
            p for chosen in self._spans for a in chosen if (p := self._float_parameter(a)) is not None
        )

    @cached_property
    def _chosen(self) -> tuple[Chosen, ...]:
        counter = iter(range(len(self.wrt)))
        subtrees = self.captured.structure.children()
        return tuple(
            Chosen(
                self.parameters[k],
                subtrees[k],
                tuple(None if self._float_parameter(a) is None else next(counter) for a in span),
            )
            for k, span in zip(self._numbers, self._spans, strict=True)
        )

    @cached_property
    def _numbers(self) -> tuple[int, ...]:
        """Which of the user's parameters are differentiated."""
        names = self.parameters
        if self.choice.argnames is not None:
            for name in self.choice.argnames:
                if name not in names:
                    raise ArgumentError(
                        f"there is no argument `{name}`", hint="the arguments are " + ", ".join(names)
                    )
            return tuple(names.index(name) for name in self.choice.argnames)
        numbers = self.choice.argnums
        chosen = (numbers,) if isinstance(numbers, int) else numbers
        for n in chosen:
            if not -len(names) <= n < len(names):
                raise ArgumentError(f"argnums={n}, but the function has {len(names)} arguments")
        return tuple(n % len(names) for n in chosen)

    @cached_property
    def _spans(self) -> tuple[tuple[Argument, ...], ...]:
        """The leaves of each argument that is differentiated; at least one leaf of each is a float."""
        spans: list[tuple[Argument, ...]] = []
        start = 0
        for subtree in self.captured.structure.children():
            spans.append(self.captured.arguments[start : start + subtree.num_leaves])
            start += subtree.num_leaves
        chosen = tuple(spans[k] for k in self._numbers)
        for k, span in zip(self._numbers, chosen, strict=True):
            if all(self._float_parameter(a) is None for a in span):
                kind = str(span[0].key) if len(span) == 1 else "a tree without floats"
                raise DerivativeError(
                    f"argument `{self.parameters[k]}` is {_article(kind)}, and has no derivative",
                    hint="pass a float or an array of floats, or choose other arguments by argnums or argnames",
                )
        return chosen

    def _float_parameter(self, argument: Argument) -> int | None:
        """The parameter of a leaf if it is a float."""
        if argument.parameter is None or argument.key.dtype is None or not argument.key.dtype.is_float:
            return None
        return argument.parameter

    # ---- results ----

    @cached_property
    def _float_results(self) -> tuple[int, ...]:
        results = self.function.body.results
        return tuple(k for k, r in enumerate(results) if r.type.dtype.is_float)

    @cached_property
    def loss(self) -> int:
        """The result that is differentiated: the returned scalar, or the first of (value, aux)."""
        tree, outputs = self.captured.result, self.captured.outputs
        if self.choice.has_aux:
            if tree.type is not tuple or len(tree.children()) != 2:
                raise DerivativeError("with has_aux=True the function must return a pair (value, aux)")
            tree = tree.children()[0]
        kind = "nothing" if not outputs else None
        if tree.is_leaf() and outputs:
            number = outputs[0].result
            if number is None:
                raise DerivativeError(
                    f"the value that `{self.function.name}` returns, {outputs[0].static!r}, depends on no argument"
                )
            type_ = self.function.body.results[number].type
            if type_.dtype.is_float and not type_.shape:
                return number
            kind = f"an array of {type_}" if type_.shape else f"a scalar of {type_.dtype.numpy}"
        raise DerivativeError(
            f"`{self.function.name}` returns {kind or 'several values'}, and a gradient needs one float scalar",
            hint="reduce it, by a sum say, return (value, aux) with has_aux=True, or use vjp",
        )

    def _assemble(self, gradients: Results) -> Any:
        """The gradients as the user chose: bare, a tuple, or a dict."""
        if self.choice.argnames is not None:
            return {c.name: c.assemble(gradients) for c in self._chosen}
        if isinstance(self.choice.argnums, int):
            return self._chosen[0].assemble(gradients)
        return self._assemble_tuple(gradients)

    def _assemble_tuple(self, gradients: Results) -> tuple[Any, ...]:
        return tuple(c.assemble(gradients) for c in self._chosen)

    # ---- tangents and cotangents that users give ----

    def _tangents(self, tangents: Sequence[Any]) -> list[Any]:
        found = []
        for chosen, tangent in zip(self._chosen, tangents, strict=True):
            leaves = _leaves(tangent, chosen.structure, f"the tangent of `{chosen.name}`")
            wanted = [
                (leaf, place) for leaf, place in zip(leaves, chosen.places, strict=True) if place is not None
            ]
            for leaf, place in wanted:
                param = self.function.body.params[self.wrt[place]]
                found.append(
                    _like(
                        leaf, param.type.dtype.numpy, len(param.type.shape), f"the tangent of `{chosen.name}`"
                    )
                )
        return found

    def _cotangents(self, cotangent: Any, value: Any, results: Results) -> list[Any]:
        """One cotangent a float result; zeros for what is not part of the value."""
        _, structure = flatten(value)
        leaves = _leaves(cotangent, structure, "the cotangent")
        given = dict(zip((out.result for out in self.captured.outputs), leaves, strict=False))
        bars = []
        for k in self._float_results:
            bar = given.get(k)
            primal = np.asarray(results[k])
            bar = np.zeros_like(primal)[()] if bar is None else bar
            if np.shape(bar) != primal.shape:
                raise ArgumentError(
                    f"the cotangent has shape {np.shape(bar)}, where the result has {primal.shape}"
                )
            bars.append(_like(bar, primal.dtype, primal.ndim, "the cotangent"))
        return bars


def _leaves(tree: Any, structure: optree.PyTreeSpec, what: str) -> list[Any]:
    leaves, actual = optree.tree_flatten(tree, none_is_leaf=True, namespace=NAMESPACE)
    if actual.num_leaves != structure.num_leaves:
        raise ArgumentError(f"{what} has the structure {actual}, where {structure} is expected")
    return leaves


def _like(leaf: Any, dtype: np.dtype[Any], rank: int, what: str) -> Any:
    """A tangent or cotangent as the program takes it."""
    array = np.asarray(leaf)
    if array.ndim != rank or not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ArgumentError(
            f"{what} is {array.dtype} of rank {array.ndim}, where {dtype} of rank {rank} is expected"
        )
    return ready(array.astype(dtype, copy=False)) if rank else dtype.type(array[()])


def _article(kind: str) -> str:
    return kind if kind.startswith(("a ", "an ")) else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
