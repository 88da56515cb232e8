"""``x log x``, which is 0 at 0."""

from __future__ import annotations

from agnesi import special
from agnesi.theano.tensor.elemwise import Elemwise

xlogx = Elemwise("xlogx", lambda x: special.xlogy(x, x), "float", 1)
xlogy0 = Elemwise("xlogy0", special.xlogy, "float", 2)
