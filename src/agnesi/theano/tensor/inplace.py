"""Operations in place: agnesi decides itself what is written over, so results are new here too.

Types have to fit all the same: what would be written over has the shape and dtype of the result.
"""

from __future__ import annotations

from typing import Any

from agnesi.theano import scalar as _scalar
from agnesi.theano.missing import submodule
from agnesi.theano.printing import pprint as pprint
from agnesi.theano.tensor.basic import transpose as _transpose
from agnesi.theano.tensor.elemwise import Elemwise as _Elemwise

_NAMES = """
abs_ add and_ arccos arccosh arcsin arcsinh arctan arctan2 arctanh ceil chi2sf conj cos cosh deg2rad
eq erf erfc erfcx exp exp2 expm1 floor gamma gammal gammaln gammau gammainc gammaincc ge gt i0 i1
int_div inv invert iv j0 j1 jv le log log10 log1p log2 lt maximum minimum mod mul neg neq or_ pow
psi rad2deg round_half_away_from_zero round_half_to_even second sgn sin sinh sqr sqrt sub tan tanh
tri_gamma true_div trunc xor
"""


def _in_place(name: str) -> Any:
    made = type(getattr(_scalar, name))(_scalar.transfer_type(0))
    return _Elemwise(made, {0: 0}, name=f"Elemwise{{{name},inplace}}")


for _name in _NAMES.split():
    globals()[f"{_name}_inplace"] = _in_place(_name)
fill_inplace = globals()["second_inplace"]
sigmoid_inplace = _Elemwise(
    _scalar.ScalarSigmoid(_scalar.transfer_type(0)), {0: 0}, name="sigmoid_inplace"
)


def transpose_inplace(x: Any, **named: Any) -> Any:
    """Return axes in another order, reversed by default."""
    return _transpose(x, **named)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
