"""The Python array API standard, version 2024.12, against what ``ag`` has: the table, as data.

``python -m tests.api.array_api`` prints it as a page in Markdown.  Whether a name is there is
looked up, never written down; ``ABSENT`` says why a name is not there, ``NOTES`` where one differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import agnesi as ag

VERSION = "2024.12"

# Element-wise functions by the dtypes that the standard gives them; two operands are marked.
ELEMENTWISE: dict[str, str] = {
    "any": "equal:2 not_equal:2",
    "boolean": "logical_and:2 logical_not logical_or:2 logical_xor:2",
    "integer": "bitwise_left_shift:2 bitwise_right_shift:2",
    "integer or boolean": "bitwise_and:2 bitwise_invert bitwise_or:2 bitwise_xor:2",
    "numeric": (
        "abs add:2 conj isfinite isinf isnan multiply:2 negative positive pow:2 round sign square "
        "subtract:2"
    ),
    "real numeric": (
        "ceil clip floor floor_divide:2 greater:2 greater_equal:2 less:2 less_equal:2 maximum:2 "
        "minimum:2 remainder:2 trunc"
    ),
    "floating-point": (
        "acos acosh asin asinh atan atanh cos cosh divide:2 exp expm1 log log10 log1p log2 "
        "reciprocal sin sinh sqrt tan tanh"
    ),
    "real floating-point": "atan2:2 copysign:2 hypot:2 logaddexp:2 nextafter:2 signbit",
    "complex": "imag real",
}


def elementwise_names() -> dict[str, tuple[str, int]]:
    """Return for each element-wise function the kind of its dtypes and the number of operands."""
    found: dict[str, tuple[str, int]] = {}
    for kind, names in ELEMENTWISE.items():
        for entry in names.split():
            name, _, arity = entry.partition(":")
            found[name] = (kind, int(arity or 1))
    return found


# Sections of the standard in its own order; methods and operators are those of ``ag.Tensor``.
SECTIONS: dict[str, str] = {
    "Constants": "e inf nan newaxis pi",
    "Creation functions": (
        "arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones "
        "ones_like tril triu zeros zeros_like"
    ),
    "Data types": (
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 "
        "complex128"
    ),
    "Data type functions": "astype can_cast finfo iinfo isdtype result_type",
    "Element-wise functions": " ".join(sorted(elementwise_names())),
    "Indexing functions": "take take_along_axis",
    "Inspection": "__array_namespace_info__",
    "Linear algebra functions": "matmul matrix_transpose tensordot vecdot",
    "Manipulation functions": (
        "broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat "
        "reshape roll squeeze stack tile unstack"
    ),
    "Searching functions": "argmax argmin count_nonzero nonzero searchsorted where",
    "Set functions": "unique_all unique_counts unique_inverse unique_values",
    "Sorting functions": "argsort sort",
    "Statistical functions": "cumulative_prod cumulative_sum max mean min prod std sum var",
    "Utility functions": "all any diff",
    "Extension linalg": " ".join(
        f"linalg.{name}"
        for name in [
            "cholesky",
            "cross",
            "det",
            "diagonal",
            "eigh",
            "eigvalsh",
            "inv",
            "matmul",
            "matrix_norm",
            "matrix_power",
            "matrix_rank",
            "matrix_transpose",
            "outer",
            "pinv",
            "qr",
            "slogdet",
            "solve",
            "svd",
            "svdvals",
            "tensordot",
            "trace",
            "vecdot",
            "vector_norm",
        ]
    ),
    "Extension fft": " ".join(
        f"fft.{name}"
        for name in [
            "fft",
            "ifft",
            "fftn",
            "ifftn",
            "rfft",
            "irfft",
            "rfftn",
            "irfftn",
            "hfft",
            "ihfft",
            "fftfreq",
            "rfftfreq",
            "fftshift",
            "ifftshift",
        ]
    ),
    "Array object": " ".join(
        f"Tensor.{name}"
        for name in [
            "dtype",
            "device",
            "mT",
            "ndim",
            "shape",
            "size",
            "T",
            "__abs__",
            "__add__",
            "__and__",
            "__array_namespace__",
            "__bool__",
            "__complex__",
            "__dlpack__",
            "__dlpack_device__",
            "__eq__",
            "__float__",
            "__floordiv__",
            "__ge__",
            "__getitem__",
            "__gt__",
            "__index__",
            "__int__",
            "__invert__",
            "__le__",
            "__lshift__",
            "__lt__",
            "__matmul__",
            "__mod__",
            "__mul__",
            "__ne__",
            "__neg__",
            "__or__",
            "__pos__",
            "__pow__",
            "__rshift__",
            "__setitem__",
            "__sub__",
            "__truediv__",
            "__xor__",
            "to_device",
        ]
    ),
}

_EXPRESSION = "a symbolic variable is an expression: it has no memory and no device"

# Why a name is not there.
ABSENT: dict[str, str] = {
    "from_dlpack": "ag.constant and arguments of functions take arrays",
    "__array_namespace_info__": "expressions are no arrays: there are no devices to ask for",
    "Tensor.device": _EXPRESSION,
    "Tensor.to_device": _EXPRESSION,
    "Tensor.__dlpack__": _EXPRESSION,
    "Tensor.__dlpack_device__": _EXPRESSION,
    "Tensor.__array_namespace__": _EXPRESSION,
}

# Where a name differs from the standard, or from NumPy's function of the name.
NOTES: dict[str, str] = {
    "astype": "the dtype may be given by name; whether to copy changes nothing",
    "empty": "zeros: memory without values has no meaning in an expression",
    "empty_like": "zeros, as with empty",
    "asarray": "lists may hold symbolic variables",
    "reciprocal": "integers give floats, where NumPy truncates to 0",
    "pow": "an integer to a negative power is 0 or ±1, where NumPy raises an error",
    "floor_divide": "an integer divided by 0 gives 0, as NumPy; so does the remainder",
    "divide": "integers are divided in float64",
    "Tensor.__bool__": "raises an error that says what to write instead",
    "Tensor.__float__": "raises an error that says what to write instead",
    "Tensor.__int__": "raises an error that says what to write instead",
    "Tensor.__index__": "raises an error that says what to write instead",
    "Tensor.__complex__": "raises an error that says what to write instead",
    "Tensor.__setitem__": "raises an error that says what to write instead",
}


@dataclass(frozen=True)
class Entry:
    """One name of the standard.

    Attributes:
        section: where the standard has it.
        name: its name, with that of its namespace if it is not the main one.
        present: whether ``ag`` has it.
        remark: why it is not there, or how it differs; empty if there is nothing to say.
    """

    section: str
    name: str
    present: bool
    remark: str


def find(name: str) -> Any:
    """Return what ``ag`` has under this name, None if nothing."""
    value: Any = ag
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def is_there(name: str) -> bool:
    """Whether ``ag`` has this name; ``newaxis`` is None, as NumPy's."""
    return find(name) is not None or hasattr(ag, name)


def entries() -> list[Entry]:
    """Return the whole table."""
    found: list[Entry] = []
    for section, names in SECTIONS.items():
        for name in names.split():
            present = is_there(name)
            remark = NOTES.get(name, "") if present else ABSENT.get(name, "")
            found.append(Entry(section, name, present, remark))
    return found


def markdown() -> str:
    """Return the table as a page."""
    lines = [f"# The array API standard {VERSION}", ""]
    section = ""
    for entry in entries():
        if entry.section != section:
            section = entry.section
            lines += ["", f"## {section}", "", "| name | there | remark |", "|---|---|---|"]
        shown = "yes" if entry.present else "no"
        lines.append(f"| `{entry.name}` | {shown} | {entry.remark} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
