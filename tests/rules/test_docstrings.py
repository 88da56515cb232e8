"""The before-and-after texts of the rules, run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agnesi.core.dtypes import DType
from agnesi.dims.dim import named_symbol
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import Tensor
from agnesi.graph.types import parse_type
from agnesi.ops import OPS
from agnesi.rewrite.trace import Trace
from agnesi.rules import (
    canonicalize,
    decompose,
    fold_constants,
    merge_exponentials,
    merge_movement,
    simplify_arithmetic,
    simplify_reductions,
    stabilize,
)
from agnesi.rules.tensors import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANONICAL = canonicalize.canonicalize
PASSES: dict[Any, Callable[..., list[Tensor]]] = {
    canonicalize: CANONICAL,
    fold_constants: CANONICAL,
    merge_movement: CANONICAL,
    simplify_arithmetic: CANONICAL,
    simplify_reductions: CANONICAL,
    merge_exponentials: stabilize.stabilize,
    stabilize: stabilize.stabilize,
    decompose: decompose.decompose,
}
TEXT = re.compile(r"before: (.*?)\n\s*after: (.*?)\n\s*with: (.*?)\n", re.DOTALL)


def texts() -> Iterator[Any]:
    for module in PASSES:
        source = Path(module.__file__).read_text(encoding="utf8")
        assert len(re.findall(r"\bbefore: \w+\(", source)) == len(TEXT.findall(source))
        for before, after, types in TEXT.findall(source):
            yield pytest.param(module, before, after, types, id=f"{module.__name__}: {before}")


def spelled(kind: type[Any]) -> str:
    return re.sub(r"\B([A-Z])", r"_\1", kind.__name__.rstrip("_")).lower()


def op(kind: type[Any]) -> Callable[..., Tensor]:
    """Return a maker of nodes that takes lists for tuples, and numbers for repeated numbers."""

    def make(*given: Any) -> Tensor:
        args = [tuple(a) if isinstance(a, list) else a for a in given]
        tensor = next((a for a in args if isinstance(a, Tensor)), None)
        for k, arg in enumerate(args):
            if isinstance(arg, float):
                dtype = DType.F32 if tensor is None else tensor.dtype
                args[k] = filled(arg, dtype, () if tensor is None else tensor.type.shape)
        return kind(*args)

    return make


@pytest.mark.parametrize(("module", "before", "after", "types"), list(texts()))
def test_docstring(module: Any, before: str, after: str, types: str):
    space: dict[str, Any] = {spelled(kind): op(kind) for kind in OPS}
    space |= {dtype.value: dtype for dtype in DType}
    space |= {"n": named_symbol("n")}
    for name, text in re.findall(r"(\w+): (\w+\[.*?\])", types):
        space[name] = new_input(name, parse_type(text, name))
    old, new = (eval(" ".join(text.split()), space) for text in (before, after))
    run = PASSES[module]
    assert isinstance(old, Tensor)
    result = run([old], Trace())[0]
    assert result is not old
    assert result is run([new], Trace())[0], result.text()
