"""Derivatives of branches, and branches of many examples: of what each branch computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.autodiff.forward import push
from agnesi.autodiff.reverse import filled, is_continuous, pull, undefined_text
from agnesi.batching.graph import batch_graph
from agnesi.core.errors import GradientError
from agnesi.graph.body import close
from agnesi.graph.graph import rebuild
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import clip
from agnesi.ops.choice import where
from agnesi.ops.movement import BroadcastTo, restore_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.branch import Branch

Parts = tuple["Tensor | None", ...]


def _opened(branch: Branch) -> list[list[Tensor]]:
    """Return the outputs of each branch, all of the inputs of the first."""
    inputs = branch.branches[0].inputs
    return [
        rebuild(body.outputs, dict(zip(body.inputs, inputs, strict=True)))
        for body in branch.branches
    ]


def _closed(
    branch: Branch,
    index: Tensor,
    given: Sequence[tuple[Input, Tensor]],
    columns: Sequence[Sequence[Tensor]],
) -> Branch:
    """Return a branch of what is computed of inputs that stand for tensors."""
    outputs = [output for column in columns for output in column]
    closed = close([leaf for leaf, _ in given], outputs)
    bodies = closed.parts(*(len(column) for column in columns))
    return type(branch)(index, bodies, (*(x for _, x in given), *closed.captured))


def branch_vjp(branch: Branch, cts: Parts, wanted: tuple[bool, ...]) -> Parts:
    """Return the cotangents of the operands of a branch."""
    inputs = branch.branches[0].inputs
    opened = _opened(branch)
    leaves = {k: new_input("ct", opened[0][k].type) for k, ct in enumerate(cts) if ct is not None}
    targets = [k for k, leaf in enumerate(inputs) if wanted[1 + k] and is_continuous(leaf)]
    pulls: list[dict[Tensor, Tensor]] = []
    for outputs in opened:
        seeds = [(outputs[k], leaf) for k, leaf in leaves.items()]
        pulled = pull(seeds, [inputs[k] for k in targets])
        for k in targets:
            if inputs[k] in pulled.undefined:
                where_from = pulled.undefined[inputs[k]]
                raise GradientError(undefined_text("grad", branch.captured[k], *where_from))
        pulls.append(pulled.cotangents)
    found = [k for k in targets if any(inputs[k] in each for each in pulls)]
    if not found:
        return (None,) * len(branch.operands)
    columns = [
        [
            _like(each[inputs[k]], inputs[k]) if inputs[k] in each else filled(inputs[k], 0)
            for k in found
        ]
        for each in pulls
    ]
    given = list(zip(inputs, branch.captured, strict=True))
    given += [(leaf, ct) for k, leaf in leaves.items() if (ct := cts[k]) is not None]
    parts = dict(zip(found, _closed(branch, branch.index, given, columns).parts(), strict=True))
    return (None, *(parts.get(k) for k in range(len(inputs))))


def _like(ct: Tensor, leaf: Tensor) -> Tensor:
    """Return a cotangent with the sizes of what it belongs to: branches agree about them."""
    own = leaf.type.shape
    return ct if ct.type.shape == own else BroadcastTo(ct, own)


def branch_jvp(branch: Branch, tangents: Parts) -> Parts:
    """Return the tangents of the results of a branch."""
    inputs = branch.branches[0].inputs
    opened = _opened(branch)
    leaves = {
        k: (new_input("tangent", inputs[k].type), t)
        for k, t in enumerate(tangents[1:])
        if t is not None
    }
    ahead: dict[Tensor, Tensor] = {inputs[k]: leaf for k, (leaf, _) in leaves.items()}
    pushes = [push(outputs, ahead) for outputs in opened]
    found = [k for k in range(len(opened[0])) if any(each[k] is not None for each in pushes)]
    if not found:
        return (None,) * len(opened[0])
    columns: list[list[Tensor]] = []
    for outputs, each in zip(opened, pushes, strict=True):
        column = [filled(outputs[k], 0) if (t := each[k]) is None else t for k in found]
        columns.append(column)
    given = [*zip(inputs, branch.captured, strict=True), *leaves.values()]
    parts = dict(zip(found, _closed(branch, branch.index, given, columns).parts(), strict=True))
    return tuple(parts.get(k) for k in range(len(opened[0])))


def branch_batch(
    branch: Branch, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return which branch was taken, and the results, for many examples."""
    inputs = branch.branches[0].inputs
    opened = _opened(branch)
    index, *captured = operands
    if batched[0]:
        known: dict[Tensor, Tensor] = dict(zip(inputs, captured, strict=True))
        return _each_its_own(index, opened, known, size, batched)
    wide: dict[Tensor, Input] = {
        leaf: new_input(leaf.name, TensorType(leaf.dtype, (size, *leaf.type.shape)))
        for leaf, is_batched in zip(inputs, batched[1:], strict=True)
        if is_batched
    }
    columns = [batch_graph(outputs, wide, size) for outputs in opened]
    given = [(wide.get(leaf, leaf), x) for leaf, x in zip(inputs, captured, strict=True)]
    made = _closed(branch, index, given, columns)
    return made, made.parts()


def _each_its_own(
    index: Tensor,
    opened: list[list[Tensor]],
    given: dict[Tensor, Tensor],
    size: Size,
    batched: tuple[bool, ...],
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute all branches, and choose for each example."""
    wide = {leaf: x for (leaf, x), b in zip(given.items(), batched[1:], strict=True) if b}
    rest = {leaf: x for leaf, x in given.items() if leaf not in wide}
    taken = clip(index, 0, len(opened) - 1)
    results: list[Tensor] = []
    for column in zip(*opened, strict=True):
        found = batch_graph(rebuild(column, rest), wide, size, rest.values())
        chosen = found[-1]
        for k in range(len(found) - 2, -1, -1):
            here = restore_axes(taken.__eq__(k), tuple(range(1, chosen.ndim)))
            chosen = where(here, found[k], chosen)
        results.append(chosen)
    return taken, tuple(results)
