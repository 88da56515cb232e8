"""What errors of calls say: which application failed, on what, and where the program made it."""

from __future__ import annotations

import sys
import traceback
from io import StringIO
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from agnesi.core.errors import ShapeError
from agnesi.theano.compile.stepwise import Run, Thunk
from agnesi.theano.configparser import config
from agnesi.theano.gof import op as op_module
from agnesi.theano.gof.graph import Constant
from agnesi.theano.tensor.native_ops import SpecifyShape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Values of so many elements are shown.
_SHOWN = 5


def annotate(
    error: BaseException,
    node: Any,
    values: Sequence[Any] | None = None,
    nodes: Sequence[Any] = (),
    storage: Mapping[Any, Any] | None = None,
) -> None:
    """Add to an error which application it comes from.

    Args:
        error: what was raised; interrupts are left as they are.
        node: the application.
        values: of its inputs.
        nodes: all applications, in their order.
        storage: variables with their values, so far.
    """
    if isinstance(error, KeyboardInterrupt) or hasattr(error, "__op_instance__"):
        return
    known: Any = error
    known.__thunk_trace__ = getattr(node.outputs[0].tag, "trace", ())
    known.__op_instance__ = node
    known.__applynode_index__ = nodes.index(node) if node in nodes else None
    text = _described(node, values, known.__applynode_index__, nodes, storage)
    if len(error.args) == 1 and isinstance(error.args[0], str):
        error.args = (error.args[0] + text,)
    elif not error.args:
        error.args = (text,)
    else:
        error.add_note(text)


def raise_with_op(
    node: Any, thunk: Any = None, exc_info: Any = None, storage_map: Any = None
) -> None:
    """Raise an error again, with the application that it comes from.

    Args:
        node: the application.
        thunk: what computed it, with ``inputs``.
        exc_info: of the error; the present one by default.
        storage_map: variables with their values.
    """
    error = (exc_info or sys.exc_info())[1]
    if error is None:
        raise RuntimeError("raise_with_op: there is no error")
    values = None if thunk is None else [cell[0] for cell in thunk.inputs]
    stored = {v: cell[0] for v, cell in (storage_map or {}).items()}
    annotate(error, node, values, (), stored)
    raise error


def _described(
    node: Any,
    values: Sequence[Any] | None,
    index: int | None,
    nodes: Sequence[Any],
    storage: Mapping[Any, Any] | None,
) -> str:
    out, hints = StringIO(), []
    high = config.exception_verbosity == "high"
    print(f"\nApply node that caused the error: {node}", file=out)
    if index is not None:
        print(f"Toposort index: {index}", file=out)
    print(f"Inputs types: {[getattr(i, 'type', 'No type') for i in node.inputs]}", file=out)
    if values is not None:
        shown = [v if getattr(v, "size", _SHOWN + 1) <= _SHOWN else "not shown" for v in values]
        print(f"Inputs shapes: {[getattr(v, 'shape', 'No shapes') for v in values]}", file=out)
        print(f"Inputs strides: {[getattr(v, 'strides', 'No strides') for v in values]}", file=out)
        print(f"Inputs values: {shown}", file=out)
        if high:
            numbers = [getattr(getattr(v, "dtype", None), "num", "") for v in values]
            print(f"Inputs type_num: {numbers}", file=out)
    if hasattr(node.op, "__input_name__"):
        print(f"Inputs name: {node.op.__input_name__}", file=out)
    if nodes:
        clients = [[n for n in nodes if v in n.inputs] or ["output"] for v in node.outputs]
        print(f"Outputs clients: {clients}", file=out)
    calls = getattr(node.outputs[0].tag, "trace", None)
    if calls:
        print(
            "\nBacktrace when the node is created (use Theano flag traceback.limit=N to make it "
            "longer):",
            file=out,
        )
        for stack in calls:
            out.writelines(traceback.format_list([tuple(call) for call in stack]))
    else:
        hints.append("HINT: the Theano flag traceback.limit is 0: no line of the program is known.")
    if high:
        from agnesi.theano.printing import debugprint

        print("\nDebugprint of the apply node: ", file=out)
        debugprint(node, file=out, stop_on_name=True, print_type=True)
        if storage:
            out.write(_footprint(storage))
    else:
        hints.append(
            "HINT: Use the Theano flag 'exception_verbosity=high' for a debugprint and storage map "
            "footprint of this apply node."
        )
    return out.getvalue() + "\n" + "\n".join(hints)


def _footprint(storage: Mapping[Any, Any]) -> str:
    """Return the memory of variables, the largest first."""
    lines: list[tuple[int, str]] = []
    inputs = 0
    for variable, value in storage.items():
        if not isinstance(value, np.ndarray | np.generic) or isinstance(variable, Constant):
            continue
        kind = "" if variable.owner is not None else "Input, "
        if hasattr(variable, "get_value"):
            kind = "Shared Input, "
        inputs += value.nbytes if kind else 0
        lines.append(
            (
                value.nbytes,
                f" - {variable}, {kind}Shape: {value.shape}, ElemSize: {value.dtype.itemsize} "
                f"Byte(s), TotalSize: {value.nbytes} Byte(s)",
            )
        )
    total = sum(size for size, _ in lines)
    lines.sort(key=lambda line: -line[0])
    return "\n".join(
        [
            "\nStorage map footprint:",
            *(text for _, text in lines),
            f" TotalSize: {total} Byte(s) {total / 2**30:.3f} GB",
            f" TotalSize inputs: {inputs} Byte(s) {inputs / 2**30:.3f} GB\n",
        ]
    )


class SpecifiedShapeError(ShapeError, AssertionError):
    """An array has not the shape that ``specify_shape`` says."""


class Explaining:
    """Finds out which application an error of native code comes from: computes them one by one.

    Args:
        function: whose calls fail.
    """

    def __init__(self, function: Any) -> None:
        # Native code holds this object: it would hold the function, and itself, for good.
        self.known = ref(function)

    def __call__(self, error: Exception, arguments: Sequence[Any]) -> None:
        """Add to an error what is known; an error that NumPy does not meet stays as it is."""
        function = self.known()
        if function is None:
            return
        graph = function.graph()
        node, run = None, None
        try:
            pairs = zip(graph.inputs, arguments, strict=True)
            run = Run(graph, [np.asarray(a, v.type.native_kind()[0]) for v, a in pairs])
            for _, node in run.order():
                Thunk(run, node)()
        except Exception:
            # Whatever fails here is what failed there.
            if node is not None and run is not None:
                stored = {v: cell[0] for v, cell in run.cells.items()}
                values = [stored.get(v) for v in node.inputs]
                annotate(error, node, values, graph.nodes, stored)
                if isinstance(node.op, SpecifyShape) and type(error) is ShapeError:
                    error.__class__ = SpecifiedShapeError


op_module.failed.append(annotate)
