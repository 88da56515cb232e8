"""Special functions, under the names that ``scipy.special`` and Theano have for them.

Each is compiled to native code; ``docs/math-accuracy.md`` says how exact it is.

>>> ag.special.gamma(ag.constant([1.0, 5.0])).eval()
array([ 1., 24.], dtype=float32)
"""

from __future__ import annotations

from agnesi.ops.elementary import erf, erfc, expm1, log1p
from agnesi.ops.elementary import sigmoid as expit
from agnesi.ops.special import (
    beta,
    betainc,
    betaln,
    chi2sf,
    digamma,
    entr,
    erfcinv,
    erfcx,
    erfinv,
    exprel,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    i0,
    i0e,
    i1,
    i1e,
    iv,
    j0,
    j1,
    jv,
    kl_div,
    log_expit,
    log_ndtr,
    logit,
    ndtr,
    ndtri,
    polygamma,
    rel_entr,
    trigamma,
    xlog1py,
    xlogy,
    zeta,
)

lgamma = gammaln
psi = digamma

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "chi2sf",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "expit",
    "expm1",
    "exprel",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "j0",
    "j1",
    "jv",
    "kl_div",
    "lgamma",
    "log1p",
    "log_expit",
    "log_ndtr",
    "logit",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "rel_entr",
    "trigamma",
    "xlog1py",
    "xlogy",
    "zeta",
]
