"""Functions of one number, as ``Elemwise`` takes them."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.tensor import elementary as _elementary
from agnesi.theano.tensor.casting import to_float as _to_float
from agnesi.theano.tensor.casting import upcast as upcast

_NAMES = (
    "add mul sub true_div int_div mod pow maximum minimum neg inv sqr sqrt sgn exp exp2 expm1 log "
    "log2 log10 log1p sin cos tan sinh cosh tanh arcsin arccos arctan arctan2 lt le gt ge eq neq "
    "switch and_ or_ xor invert ceil floor trunc"
)
for _name in _NAMES.split():
    globals()[_name] = getattr(_elementary, _name)
all_types = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
             "float16", "float32", "float64", "complex64", "complex128"]  # fmt: skip


def upgrade_to_float(*types: Any) -> list[str]:
    """Return the dtypes of functions that give floats."""
    return [_to_float(upcast(*map(str, types)))]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
