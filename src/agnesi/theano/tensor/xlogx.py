"""``x log x``, which is 0 at 0."""

from __future__ import annotations

from agnesi.theano import scalar
from agnesi.theano.scalar.basic import XlogX as XlogX
from agnesi.theano.scalar.basic import XlogY0 as XlogY0
from agnesi.theano.tensor.elemwise import Elemwise

scalar_xlogx, scalar_xlogy0 = scalar.scalar_xlogx, scalar.scalar_xlogy0
xlogx = Elemwise(scalar_xlogx, name="xlogx")
xlogy0 = Elemwise(scalar_xlogy0, name="xlogy0")
