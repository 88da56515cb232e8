"""agnesi as one of the peers of the shared benchmark suite: answers each of its workloads.

The suite times many libraries on one set of workloads.  It loads this file by path
(``AGNESI_BACKEND``), makes an ``RT`` and asks it to build each case; see the suite's README.
Arrays are NumPy's on both sides, so that a call includes checking its arguments.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

_start = time.perf_counter()
import agnesi as ag  # noqa: E402

IMPORT_S = time.perf_counter() - _start

import numpy as np  # noqa: E402
from core import NotSupported, Prog  # type: ignore[import-not-found]  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Arrays = dict[str, np.ndarray[Any, Any]]

# What the suite's workloads say.
CHAIN = 1.3, 0.2
SCALES = [0.7 + 0.05 * k for k in range(10)]
SHIFTS = [0.3 - 0.06 * k for k in range(10)]
STEP = {"mlp": 0.1, "lstm": 1.0, "ae": 0.01, "vae": 1e-3}
CLIP = 5.0  # of the norm of all gradients of the language model
VAE = ["W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"]


class RT:
    """Builds a workload as one compiled function."""

    backend = "agnesi"

    def __init__(self, opts: set[str], threads: int) -> None:
        # The suite says in the environment how many threads there are.
        del threads
        # Other peers know all sizes once they have traced a call, those of Theano's line none.
        # Here they are left open, but where a builder declares them as a user would (``known``).
        self.known = "known" in opts

    def version(self) -> str:
        """Return the name and version."""
        return f"agnesi {ag.__version__}"

    def build(self, case: Any) -> Any:
        """Return the program of a case.

        Raises:
            NotSupported: agnesi does not have what the case needs.
        """
        arrays: Arrays = case.make()
        family = case.module.split("_", 1)[1]
        builder = getattr(self, f"build_{family}", None)
        if builder is None:
            raise NotSupported(f"agnesi: {family} is not there yet")
        return builder(case, arrays)

    # -- forms of programs -------------------------------------------------------------------

    def variable(self, name: str, array: Any, *, known: bool = False) -> ag.Tensor:
        """Return an input for an array."""
        kind = f"{array.dtype.kind}{8 * array.dtype.itemsize}"
        sizes = [str(size) if known or self.known else "?" for size in array.shape]
        return ag.input(name, f"{kind}[{', '.join(sizes)}]")

    def pure(
        self, expression: Callable[..., ag.Tensor], arrays: Arrays, *, known: bool = False
    ) -> Any:
        """Return the program that computes an expression of the arrays, in their order."""
        inputs = [self.variable(name, a, known=known) for name, a in arrays.items()]
        f = ag.function(inputs, expression(*inputs))
        given = list(arrays.values())
        return Prog(lambda: f(*given), lambda result: [np.asarray(result)])

    def train(
        self,
        loss: Callable[..., ag.Tensor],
        parameters: Arrays,
        data: Arrays,
        rate: float,
        clip: float | None = None,
        *,
        known: bool = False,
    ) -> Any:
        """Return the program of a step of gradient descent, of clipped gradients where asked."""
        weights = [ag.shared(a, name=name) for name, a in parameters.items()]
        inputs = [self.variable(name, a, known=known) for name, a in data.items()]
        cost = loss(weights, *inputs)
        gradients = ag.grad(cost, weights)
        if clip is not None:
            gradients = ag.optim.clip_by_global_norm(gradients, clip)
        updates = [(w, w - rate * g) for w, g in zip(weights, gradients, strict=True)]
        f = ag.function(inputs, cost, updates=updates)
        given = list(data.values())
        return Prog(
            lambda: f(*given), lambda cost: [np.asarray(cost), *(w.get_value() for w in weights)]
        )

    # -- families of workloads ---------------------------------------------------------------

    def build_random(self, case: Any, arrays: Arrays) -> Any:
        """Random numbers, new ones in each call."""
        del arrays
        stream, shape = ag.random.Stream(1), (case.cfg["n"],)
        draws: dict[str, Callable[[], ag.Tensor]] = {
            "normal": lambda: stream.normal(shape),
            "uniform": lambda: stream.uniform(shape),
            "bern": lambda: stream.bernoulli(0.5, shape, dtype="f32"),
        }
        f = ag.function([], draws[case.cfg["k"]]())
        return Prog(f, lambda result: [np.asarray(result)])

    def build_elementwise(self, case: Any, arrays: Arrays) -> Any:
        """Element-wise chains and small calls."""
        a, b = CHAIN

        def deep(x: ag.Tensor) -> ag.Tensor:
            for scale, shift in zip(SCALES, SHIFTS, strict=True):
                x = ag.tanh(x * scale + shift)
            return x

        expressions: dict[str, Callable[[ag.Tensor], ag.Tensor]] = {
            "chain": lambda x: ag.exp(-x * x / 2) * ag.tanh(a * x + b) + ag.log1p(ag.abs(x)),
            "g30": deep,
            "add": lambda x: x + 1,
            "add_np": lambda x: x + 1,
        }
        return self.pure(expressions[case.cfg["kind"]], arrays)

    def build_reductions(self, case: Any, arrays: Arrays) -> Any:
        """Sums, soft maxima, layer norm, arg max, cumulative sum."""
        axis = case.cfg.get("ax")

        def layer_norm(x: ag.Tensor, g: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
            centred = x - x.mean(1, keepdims=True)
            variance = (centred * centred).mean(1, keepdims=True)
            return centred / ag.sqrt(variance + 1e-5) * g + b

        expressions: dict[str, Callable[..., ag.Tensor]] = {
            "softmax": lambda x: ag.softmax(x, 1),
            "lse": lambda x: ag.logsumexp(x, 1),
            "ln": layer_norm,
            "sum": lambda x: x.sum(axis),
            "argmax": lambda x: x.argmax(1),
            "cumsum": lambda x: ag.cumsum(x, 1),
        }
        return self.pure(expressions[case.cfg["k"]], arrays)

    def build_gemm(self, case: Any, arrays: Arrays) -> Any:
        """Matrix products, of declared sizes: how a product is cut into tiles depends on them."""
        if case.cfg["k"] == "dense":
            return self.pure(lambda a, b, c: ag.tanh(a @ b + c), arrays, known=True)
        return self.pure(lambda a, b: a @ b, arrays, known=True)

    def build_mlp(self, case: Any, arrays: Arrays) -> Any:
        """Steps of training networks and logistic regression."""
        layers = case.cfg["nl"]
        activation = ag.tanh if case.cfg["act"] == "tanh" else ag.relu

        def loss(weights: Sequence[ag.Tensor], x: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
            h = x
            for k in range(layers):
                h = h @ weights[2 * k] + weights[2 * k + 1]
                if k < layers - 1:
                    h = activation(h)
            return ag.cross_entropy(h, y).mean()

        return self.train(loss, pick(arrays, case.params), pick(arrays, ["x", "y"]), STEP["mlp"])

    def build_conv(self, case: Any, arrays: Arrays) -> Any:
        """Convolutions, pooling, batch norm, channels last as for JAX; nets as users write them."""
        kind = case.cfg["k"]
        if kind == "net":
            return self._net(case, arrays)
        given = {name: channels_last(name, a) for name, a in arrays.items()}
        shapes = {name: a.shape for name, a in given.items()}
        named: dict[str, Any] = {"layout": "NHWC"}
        if kind in ("fwd", "dx", "dw"):
            named |= {"stride": case.cfg["s"], "padding": case.cfg["p"]}
        nn: Any = ag.nn

        def pool(x: ag.Tensor) -> ag.Tensor:
            return nn.max_pool2d(x, 2, layout="NHWC")

        def with_gradients(y: ag.Tensor, dy: ag.Tensor, *wrt: ag.Tensor) -> list[ag.Tensor]:
            return [y, *ag.grad(None, wrt, known={y: dy})]

        names, expression = {
            "fwd": (["x", "w"], lambda x, w: nn.conv2d(x, w, **named)),
            "dx": (
                ["dy", "w"],
                lambda dy, w: nn.conv_input_gradient(dy, w, shapes["x"], **named),
            ),
            "dw": (
                ["dy", "x"],
                lambda dy, x: nn.conv_weight_gradient(x, dy, shapes["w"], **named),
            ),
            "pool": (["x"], pool),
            "poolfb": (["x", "dy"], lambda x, dy: with_gradients(pool(x), dy, x)),
            "bn": (
                ["x", "g", "b", "dy"],
                lambda x, g, b, dy: with_gradients(
                    nn.batch_norm(x, g, b, layout="NHWC").output, dy, x, g, b
                ),
            ),
        }[kind]
        inputs = [self.variable(name, given[name], known=True) for name in names]
        f = ag.function(inputs, expression(*inputs))
        values = [given[name] for name in names]
        back = (3, 2, 0, 1) if kind == "dw" else (0, 3, 1, 2)

        def first(result: Any) -> list[Any]:
            found = result if isinstance(result, list | tuple) else [result]
            return [np.transpose(a, back) if a.ndim == 4 else a for a in found]

        return Prog(lambda: f(*values), first)

    def _net(self, case: Any, arrays: Arrays) -> Any:
        suite = import_module(f"workloads.{case.module}")
        net = case.cfg["net"]
        nn: Any = ag.nn
        _, _, _, activation, _, rate = suite.NETS[net]

        def loss(weights: Sequence[ag.Tensor], x: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
            h = suite.run_net(
                net,
                weights,
                x,
                lambda h, w, b, s, p: ag.nn.conv2d(h, w, b, stride=s, padding=p),
                nn.max_pool2d,
                ag.tanh if activation == "tanh" else ag.relu,
                lambda h: h.reshape(h.shape[0], -1),
                lambda a, b: a @ b,
            )
            return ag.cross_entropy(h, y).mean()

        data = pick(arrays, ["x", "y"])
        return self.train(loss, pick(arrays, case.params), data, rate, known=True)

    def build_lstm(self, case: Any, arrays: Arrays) -> Any:
        """A step of training a language model of two layers of long short-term memory."""
        steps = case.cfg["T"]

        def loss(weights: Sequence[ag.Tensor], x: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
            embedding, *layers, out, bias = weights
            towers = [ag.nn.LstmWeights(*layers[k : k + 3]) for k in (0, 3)]
            h, _ = ag.nn.stacked(ag.nn.lstm)(embedding[x], towers)
            return ag.cross_entropy(h @ out + bias, y).mean() * steps

        data = pick(arrays, ["x", "y"])
        return self.train(loss, pick(arrays, case.params), data, STEP["lstm"], CLIP)

    def build_scan(self, case: Any, arrays: Arrays) -> Any:
        """Recurrences with a tiny body, of declared sizes, and powers by repeated products."""
        if case.cfg["k"] == "pow":
            times = 100_000
            return self.pure(
                lambda a: ag.scan(lambda r, _: (r * a, None), ag.ones_like(a), length=times)[0],
                arrays,
                known=True,
            )

        def states(x: ag.Tensor, w: ag.Tensor, u: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
            def cell(h: ag.Tensor, row: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
                h = ag.tanh(row @ u + h @ w)
                return h, h

            return ag.scan(cell, ag.zeros(x.shape[1:]), x)

        if case.cfg["k"] == "fwd":
            return self.pure(lambda x, w, u: states(x, w, u)[0], arrays, known=True)
        inputs = [self.variable(name, a, known=True) for name, a in arrays.items()]
        x, w, u = inputs
        loss = (states(x, w, u)[1] ** 2).sum() / x.shape[0]
        f = ag.function(inputs, [loss, *ag.grad(loss, [w, u])])
        given = list(arrays.values())
        return Prog(lambda: f(*given), lambda results: [np.asarray(r) for r in results])

    def build_autoencoder(self, case: Any, arrays: Arrays) -> Any:
        """A tied auto-encoder, and a variational one whose noise is given or drawn."""
        if case.cfg["k"] == "ae":
            return self.train(tied_loss, pick(arrays, case.params), pick(arrays, ["x"]), STEP["ae"])
        if case.cfg["k"] != "eps":
            stream = ag.random.Stream(0)

            def drawn(weights: Sequence[ag.Tensor], x: ag.Tensor) -> ag.Tensor:
                return vae_loss(weights, x, stream.normal((x.shape[0], 50)))

            return self.train(drawn, pick(arrays, VAE), pick(arrays, ["x"]), STEP["vae"])
        return self.train(vae_loss, pick(arrays, VAE), pick(arrays, ["x", "eps"]), STEP["vae"])


def pick(arrays: Arrays, names: Sequence[str]) -> Arrays:
    """Return some of the arrays, in this order."""
    return {name: arrays[name] for name in names}


def channels_last(name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array of the suite, ``w`` a kernel, with channels last."""
    if array.ndim < 4:
        return array
    return np.ascontiguousarray(array.transpose((2, 3, 1, 0) if name == "w" else (0, 2, 3, 1)))


def tied_loss(weights: Sequence[ag.Tensor], x: ag.Tensor) -> ag.Tensor:
    """Squared error of a tied sigmoid auto-encoder, per example."""
    w, b, c = weights
    again = ag.sigmoid(ag.sigmoid(x @ w + b) @ w.T + c)
    return ((x - again) ** 2).sum() / x.shape[0]


def vae_loss(weights: Sequence[ag.Tensor], x: ag.Tensor, noise: ag.Tensor) -> ag.Tensor:
    """Negative evidence lower bound of a variational auto-encoder, per example."""
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    both = ag.tanh(x @ w1 + b1) @ w2 + b2
    mean, log_variance = both[:, :50], both[:, 50:]
    z = mean + ag.exp(0.5 * log_variance) * noise
    out = ag.tanh(z @ w3 + b3) @ w4 + b4
    reconstruction = (ag.softplus(out) - x * out).sum()
    divergence = -0.5 * (1 + log_variance - mean * mean - ag.exp(log_variance)).sum()
    return (reconstruction + divergence) / x.shape[0]
