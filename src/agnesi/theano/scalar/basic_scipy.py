"""Special functions of numbers, at the path that programs import."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.scalar import basic as _basic

imported_scipy_special = True
_NAMES = (
    "Erf Erfc Erfcx Erfinv Erfcinv Gamma GammaLn Psi TriGamma Chi2SF GammaInc GammaIncC GammaU "
    "GammaL Jv J1 J0 Iv I1 I0 erf erfc erfcx erfinv erfcinv gamma gammaln psi tri_gamma chi2sf "
    "gammainc gammaincc gammau gammal jv j1 j0 iv i1 i0"
)
for _name in _NAMES.split():
    globals()[_name] = getattr(_basic, _name)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
