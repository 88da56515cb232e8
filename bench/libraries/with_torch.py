"""PyTorch: eager, or through ``torch.compile``."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bench.libraries import Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row

torch: Any = import_module("torch")
nn: Any = torch.nn.functional


def loss_and_gradient(x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of rows of logits, and its gradient."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        loss = nn.cross_entropy(x, y)
        (slope,) = torch.autograd.grad(loss, x)
    return loss.detach(), slope


FUNCTIONS = SimpleNamespace(
    exp=torch.exp,
    log=torch.log,
    sin=torch.sin,
    tanh=torch.tanh,
    log1p=torch.log1p,
    abs=torch.abs,
    sigmoid=torch.sigmoid,
    relu=torch.relu,
    softplus=nn.softplus,
    softmax=lambda x: torch.softmax(x, 1),
    loss_and_gradient=loss_and_gradient,
    layer_norm=lambda x, g, b: nn.layer_norm(x, g.shape, g, b),
    logsumexp=lambda x: torch.logsumexp(x, 1),
    variance=lambda x: torch.var(x, 1, correction=0),
    sum=lambda x, axis: x.sum() if axis is None else x.sum(axis),
    argmax=lambda x: x.argmax(1),
    cumsum=lambda x: x.cumsum(1),
    sort=lambda x: torch.sort(x, 1).values,
    matvec=lambda a, b: a @ b,
    dense=lambda x, w, b: torch.addmm(b, x, w),
    dense_tanh=lambda x, w, b: torch.addmm(b, x, w).tanh_(),
    transposed=lambda w: w.t(),
    cross_entropy=nn.cross_entropy,
)


class Library(Side):
    """PyTorch."""

    m = FUNCTIONS

    def __init__(self, threads: int, option: str) -> None:
        super().__init__(threads, option)
        torch.set_num_threads(threads)

    def version(self) -> str:
        """Return name and version."""
        return f"torch {torch.__version__}"

    def compiled(self, function: Any) -> Any:
        """Return a function, compiled if that is what is measured."""
        return torch.compile(function, dynamic=False) if self.option == "compile" else function

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        torch.set_grad_enabled(False)
        given = tuple(torch.from_numpy(a) for a in arrays.values())

        def outputs(got: Any) -> Any:
            return [g.numpy() for g in (got if isinstance(got, tuple) else (got,))]

        return Program(self.compiled(lambda *a: row.expression(self.m, *a)), given, outputs)

    def train(self, row: Row, parameters: Arrays, data: Arrays) -> Program:
        """Return a program that takes a step of gradient descent."""
        torch.set_grad_enabled(True)
        before = list(parameters.values())
        weights = [torch.from_numpy(p.copy()).requires_grad_() for p in before]
        loss_of = self.compiled(lambda *d: row.expression(self.m, weights, *d))

        def step(*given: Any) -> Any:
            loss = loss_of(*given)
            slopes = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                torch._foreach_add_(weights, slopes, alpha=-row.rate)
            return loss

        def outputs(loss: Any) -> Any:
            now = [w.detach().numpy() for w in weights]
            return [loss.detach().numpy(), *(n - b for n, b in zip(now, before, strict=True))]

        return Program(step, tuple(torch.from_numpy(d) for d in data.values()), outputs)

    def scatter(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that changes rows of a table."""
        torch.set_grad_enabled(False)
        before = arrays["table"]
        table = torch.from_numpy(before.copy())

        def call(index: Any, change: Any) -> None:
            table.index_add_(0, index, change, alpha=-row.rate)

        given = tuple(torch.from_numpy(arrays[name]) for name in ("index", "change"))
        return Program(call, given, lambda _: [table.numpy() - before])
