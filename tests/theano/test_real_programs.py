"""What real programs, run under the alias, have asked for that nothing else tests."""

from __future__ import annotations

import numpy as np

import agnesi.theano.tensor as T
from agnesi import theano


def test_a_module_has_itself_as_a_name():
    # PyMC3: from theano import theano, tensor as tt
    from agnesi.theano import theano as again

    assert again is theano


def test_a_list_with_slices_is_a_key_of_several_axes():
    # Keras 1, reverse(): slices = [slice(None)] * x.ndim; slices[1] = slice(None, None, -1)
    x = T.tensor3()
    value = np.arange(24.0).reshape(2, 3, 4)
    key = [slice(None), slice(None, None, -1), slice(None)]
    np.testing.assert_array_equal(x[key].eval({x: value}), value[:, ::-1])
    np.testing.assert_array_equal(x[[slice(1, None), 2]].eval({x: value}), value[1:, 2])
