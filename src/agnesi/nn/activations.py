"""Activations besides those of ``ag`` itself, which ``ag.nn`` has, too.

Derivatives at corners are those of the side that the formula below names first, unless it says
otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import GraphTypeError
from agnesi.ops.arithmetic import absolute
from agnesi.ops.choice import where
from agnesi.ops.elementary import elu, hard_sigmoid, relu, sigmoid, softplus
from agnesi.ops.functions import as_float
from agnesi.ops.lift import as_axis, as_tensor, operand_lines
from agnesi.ops.splitting import split
from agnesi.ops.trigonometric import tanh

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor, TensorLike


def prelu(x: TensorLike, alpha: TensorLike, /, axis: int = 1) -> Tensor:
    """Rectifier whose slopes below 0 are learnt, one for each channel: ``x``, or ``alpha * x``.

    K. He, X. Zhang, S. Ren, J. Sun: Delving deep into rectifiers.  ICCV (2015), arXiv 1502.01852,
    equation 1.

    Args:
        x: array.
        alpha: a slope, or ``[channels]``.
        axis: that of channels.

    Raises:
        GraphTypeError: no such axis, or more than one axis of slopes.

    >>> x = ag.constant([[-1.0, -1.0], [2.0, -3.0]])
    >>> ag.nn.prelu(x, ag.constant([0.5, 0.25])).eval()
    array([[-0.5 , -0.25],
           [ 2.  , -0.75]], dtype=float32)
    """
    tensor, slopes = as_tensor(x), as_tensor(alpha)
    if slopes.ndim > 1:
        raise GraphTypeError(
            "prelu: slopes are one number, or one for each channel\n"
            f"{operand_lines(('x', 'alpha'), (tensor, slopes))}"
        )
    if slopes.ndim:
        behind = tensor.ndim - 1 - as_axis("prelu", axis, tensor.ndim, tensor)
        slopes = slopes.reshape((slopes.shape[0], *[1] * behind))
    return relu(tensor, slopes)


def celu(x: TensorLike, /, alpha: float = 1.0) -> Tensor:
    """``x``, below 0 ``alpha * (exp(x / alpha) - 1)``: its slope has no step, whatever ``alpha``.

    J. T. Barron: Continuously differentiable exponential linear units.  arXiv 1704.07483 (2017).

    >>> ag.nn.celu(ag.constant([-1.0, 2.0]), 0.5).eval()
    array([-0.43233237, 2. ], dtype=float32)
    """
    return elu(as_float(x) / alpha) * alpha


def mish(x: TensorLike, /) -> Tensor:
    """``x * tanh(softplus(x))``.

    D. Misra: Mish: a self regularized non-monotonic activation function.  BMVC (2020), arXiv
    1908.08681.

    >>> ag.nn.mish(ag.constant([0.0, 1.0])).eval()
    array([0. , 0.865...], dtype=float32)
    """
    number = as_float(x)
    return number * tanh(softplus(number))


def hard_tanh(x: TensorLike, /, low: float = -1.0, high: float = 1.0) -> Tensor:
    """``x`` within ``low`` and ``high``; flat beyond and at the ends.

    R. Collobert: Large scale machine learning.  PhD thesis, Universite Paris VI (2004).

    >>> ag.nn.hard_tanh(ag.constant([-3.0, 0.5, 2.0])).eval()
    array([-1. , 0.5, 1. ], dtype=float32)
    """
    number = as_float(x)
    return where(number <= low, low, where(number >= high, high, number))


def relu6(x: TensorLike, /) -> Tensor:
    """``min(max(x, 0), 6)``; flat at both ends.

    A. Krizhevsky: Convolutional deep belief networks on CIFAR-10 (2010).

    >>> ag.nn.relu6(ag.constant([-1.0, 2.0, 7.0])).eval()
    array([0., 2., 6.], dtype=float32)
    """
    return hard_tanh(x, 0.0, 6.0)


def hard_swish(x: TensorLike, /) -> Tensor:
    """``x * hard_sigmoid(x, 1/6)``.

    A. Howard and others: Searching for MobileNetV3.  ICCV (2019), arXiv 1905.02244, section 5.2.

    >>> ag.nn.hard_swish(ag.constant([-4.0, 3.0])).eval()
    array([-0., 3.], dtype=float32)
    """
    number = as_float(x)
    return number * hard_sigmoid(number, 1 / 6)


def tanhshrink(x: TensorLike, /) -> Tensor:
    """``x - tanh(x)``."""
    number = as_float(x)
    return number - tanh(number)


def softshrink(x: TensorLike, /, by: float = 0.5) -> Tensor:
    """``x`` drawn towards 0 by a length, 0 where it is not longer: what lasso and ISTA do.

    D. L. Donoho: De-noising by soft-thresholding.  IEEE Transactions on Information Theory 41
    (1995), 613-627.

    >>> ag.nn.softshrink(ag.constant([-2.0, 0.25, 2.0])).eval()
    array([-1.5, 0. , 1.5], dtype=float32)
    """
    number = as_float(x)
    return where(number > by, number - by, where(number < -by, number + by, 0))


def hardshrink(x: TensorLike, /, at: float = 0.5) -> Tensor:
    """``x`` where it is longer than ``at``, else 0.

    The thresholded linear unit (TLin) of K. Konda, R. Memisevic, D. Krueger: Zero-bias autoencoders
    and the benefits of co-adapting features.  ICLR (2015), arXiv 1402.3337, equation 6.

    >>> ag.nn.hardshrink(ag.constant([-2.0, 0.25, 2.0])).eval()
    array([-2., 0., 2.], dtype=float32)
    """
    number = as_float(x)
    return where(absolute(number) > at, number, 0)


def threshold(x: TensorLike, /, at: float = 1.0, below: float = 0.0) -> Tensor:
    """``x`` where it is above ``at``, else a number.

    With ``below=0`` it is the thresholded rectifier (TRec) of K. Konda, R. Memisevic, D. Krueger:
    Zero-bias autoencoders and the benefits of co-adapting features.  ICLR (2015), arXiv 1402.3337,
    equation 5.

    >>> ag.nn.threshold(ag.constant([0.5, 1.0, 2.0])).eval()
    array([0., 0., 2.], dtype=float32)
    """
    number = as_float(x)
    return where(number > at, number, below)


def scaled_tanh(x: TensorLike, /) -> Tensor:
    """``1.7159 * tanh(2/3 * x)``, whose variance is near 1 where that of ``x`` is.

    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Mueller: Efficient BackProp.  Neural networks: tricks of
    the trade (1998), section 4.4.

    >>> ag.nn.scaled_tanh(ag.constant([0.0, 1.0])).eval().round(3)
    array([0., 1.], dtype=float32)
    """
    return 1.7159 * tanh(as_float(x) * (2 / 3))


def glu(x: TensorLike, /, axis: int = -1) -> Tensor:
    """The first half along an axis, times the logistic function of the second.

    Y. N. Dauphin, A. Fan, M. Auli, D. Grangier: Language modeling with gated convolutional
    networks.  ICML (2017), arXiv 1612.08083, equation 1.

    Raises:
        GraphTypeError: no such axis, or one of odd size.

    >>> ag.nn.glu(ag.constant([[2.0, 4.0, 0.0, 0.0]])).eval()
    array([[1., 2.]], dtype=float32)
    """
    number = as_float(x)
    first, second = split(number, 2, as_axis("glu", axis, number.ndim, number))
    return first * sigmoid(second)


def maxout(x: TensorLike, /, pieces: int, axis: int = -1) -> Tensor:
    """The largest of each so many neighbours along an axis.

    I. J. Goodfellow, D. Warde-Farley, M. Mirza, A. Courville, Y. Bengio: Maxout networks.  ICML
    (2013), arXiv 1302.4389, section 3.  Where several are the largest, they share the gradient.

    Args:
        x: ``[..., units * pieces, ...]``; those of one unit lie side by side.
        pieces: how many linear pieces a unit has.
        axis: that of units.

    Raises:
        GraphTypeError: no such axis, or one that pieces do not divide.
        ShapeError: in a call, the same.

    >>> ag.nn.maxout(ag.constant([[1.0, 5.0, 3.0, 2.0]]), pieces=2).eval()
    array([[5., 3.]], dtype=float32)
    """
    tensor = as_tensor(x)
    place = as_axis("maxout", axis, tensor.ndim, tensor)
    size = tensor.type.shape[place]
    if pieces < 1 or (isinstance(size, int) and size % pieces):
        raise GraphTypeError(
            f"maxout: units of {pieces} pieces do not fill axis {place}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    shape = tensor.shape
    units = shape[place] // pieces
    cut = tensor.reshape((*shape[:place], units, pieces, *shape[place + 1 :]))
    return cut.max(place + 1)
