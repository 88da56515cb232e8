"""What programs build and drop is freed: variables, functions, shared values."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import pytest

import agnesi as ag
import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.core import term

if TYPE_CHECKING:
    from collections.abc import Callable


class Doubled(theano.Op):
    """An op of a program, whose second output nobody asks for."""

    __props__ = ()

    def make_node(self, x: Any) -> Any:
        x = T.as_tensor_variable(x)
        return theano.Apply(self, [x], [x.type(), x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        output_storage[0][0], output_storage[1][0] = 2 * inputs[0], 3 * inputs[0]

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [2 * output_grads[0]]


class Length(theano.Op):
    """An op of an object that is no array."""

    def make_node(self, x: Any) -> Any:
        return theano.Apply(self, [x], [T.dscalar()])

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        output_storage[0][0] = np.asarray(float(len(inputs[0])))


@theano.as_op([T.dvector], [T.dvector])
def tripled(x: Any) -> Any:
    return 3 * x


def own_op() -> list[Any]:
    x, w = T.dvector(), theano.shared(np.ones(3))
    y = Doubled()(x * w)[0]
    slope = T.grad(y.sum(), w)
    f = theano.function([x], slope, updates=[(w, w - slope)])
    f(np.ones(3))
    return [x, w, y, y.tensor, slope, f]


def decorated() -> list[Any]:
    x = T.dvector()
    y = tripled(x)
    f = theano.function([x], y + 1)
    f([1.0, 2.0])
    return [x, y, y.tensor, f]


def object_op() -> list[Any]:
    held, given = theano.shared({"a": 1}), theano.gof.generic.make_constant({"x": [2.0]})
    y, z = Length()(held), Length()(given)
    f = theano.function([], [y, z])
    f()
    return [held, given, y, z, f]


def states_of_numpy() -> list[Any]:
    streams = T.shared_randomstreams.RandomStreams(1)
    drawn = streams.uniform((3,))
    f = theano.function([], drawn)
    f()
    return [streams, drawn, drawn.tensor, f]


def streams_of_mrg() -> list[Any]:
    streams = theano.sandbox.rng_mrg.MRG_RandomStreams(1)
    drawn = streams.normal((3,))
    f = theano.function([], drawn)
    f()
    return [streams, drawn, drawn.tensor, f]


def looped() -> list[Any]:
    w, x = theano.shared(np.ones(3)), T.dmatrix()
    h, updates = theano.scan(
        lambda row, before: T.tanh(row * w + before), sequences=x, outputs_info=T.zeros(3)
    )
    slope = T.grad(h.sum(), w)
    f = theano.function([x], slope, updates=updates)
    f(np.ones((4, 3)))
    return [w, x, h, slope, f]


def graph_as_op() -> list[Any]:
    a, b = T.dvectors("ab")
    op = theano.OpFromGraph(
        [a, b], [a * b], grad_overrides=lambda inputs, upper: [upper[0], inputs[0] * upper[0]]
    )
    x, y = T.dvectors("xy")
    z = op(x, y)
    f = theano.function([x, y], [z, T.grad(z.sum(), x)])
    f([1.0], [2.0])
    return [op, x, y, z, f]


def trained() -> list[Any]:
    w, x = theano.shared(np.ones((3, 3)), name="w"), T.dmatrix()
    y = T.nnet.softmax(T.dot(x, w))
    f = theano.function([x], y, updates=[(w, w - T.grad(y[0, 0], w))])
    f(np.ones((2, 3)))
    y.eval({x: np.ones((2, 3))})
    return [w, w.container, x, y, f, theano.clone(y, {x: x + 1}), *T.shape(y).owner.inputs]


@pytest.mark.parametrize(
    "build",
    [
        own_op,
        decorated,
        object_op,
        states_of_numpy,
        streams_of_mrg,
        looped,
        graph_as_op,
        trained,
    ],
)
def test_what_was_built_dies(build: Callable[[], list[Any]]):
    build()
    gc.collect()
    before = len(term._table)
    dropped = [(type(made).__name__, ref(made)) for made in build()]
    gc.collect()
    assert [name for name, made in dropped if made() is not None] == []
    assert len(term._table) <= before


def test_a_field_may_lead_back_to_its_node():
    class Holder:
        """What is a field of a node, and holds it."""

    x, holder = ag.vector("x"), Holder()
    node = Doubled()(theano.shared(np.ones(2)))[0].tensor.replace(call_=holder, xs=(x,))
    holder.node = node  # type: ignore[attr-defined]
    assert node.replace(number=1).replace(number=0) is node
    dropped = ref(node)
    del node, holder
    gc.collect()
    assert dropped() is None
