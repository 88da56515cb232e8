"""What the rows of the shared suite are to reach: the best peer's median in ours.

The table of the project's speed goals; rows are named as the suite names them, and those of fresh
processes as ``bench.shared`` does.  Peak memory is a row of our own: the suite's figure has two
results in it, the last call's and this one's, and what compiling took.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A goal of one row.

    Attributes:
        row: its name.
        ratio: the best peer's figure in ours, at least; 0 if only ``most`` counts.
        against: the peers that count for the goal; all if empty.
        most: our own figure at most, in seconds or bytes; 0 if only ``ratio`` counts.
    """

    row: str
    ratio: float = 0.0
    against: tuple[str, ...] = ()
    most: float = 0.0


JAX = ("jax", "jaxnew")
CONVOLUTION = ("fwd", "dx", "dw")  # forward, and the gradients by the image and by the weights

TARGETS = (
    Target("call.add10", 4),
    Target("call.g30", 6),
    Target("ew.chain.f32.1e3", 3),
    Target("ew.chain.f32.1e5", 1.3),
    Target("ew.chain.f32.1e7", 1),
    Target("ew.chain.f64.1e3", 3, ("drjit",)),
    Target("ew.chain.f64.1e5", 1.3, ("drjit",)),
    Target("ew.chain.f64.1e7", 1, ("drjit",)),
    Target("ew.g30.f32.1e7", 3),
    Target("red.softmax", 1.3),
    Target("red.logsumexp", 1.3),
    Target("red.layernorm", 1.3),
    *(Target(f"red.{name}", 1) for name in ("sum0", "sum1", "sum2", "sumall", "argmax", "cumsum")),
    *(Target(f"gemm.{n}", 1) for n in (64, 128, 256, 512, 1024, 2048)),
    Target("bmm.64x128", 1),
    Target("gemv.512", 1),
    Target("gemv.2048", 1),
    Target("dense_tanh.128", 1.4),
    Target("logreg.b60", 2),
    Target("logreg.b600", 1.5),
    Target("mlp.b60", 1.4),
    Target("mlp.b500", 1.3),
    Target("mlp3x1000.b128", 1.3),
    Target("ae.3072-1000", 1.3),
    Target("first.call.g30.cold", 2, JAX),
    Target("first.call.g30.warm", most=0.25),
    Target("first.mlp.b60.cold", 2, JAX),
    Target("first.mlp.b60.warm", most=0.25),
    Target("memory.chain.1e7", most=44e6),
    *(
        Target(f"rnn.h{hidden}.b{batch}.{what}", 1.5)
        for hidden in (32, 128)
        for batch in (1, 32)
        for what in ("fwd", "grad")
    ),
    *(Target(f"scan.pow.{what}", 1.5) for what in ("scalar", "vec10")),
    *(Target(f"lstm.{size}", 1.5) for size in ("small", "medium")),
    *(Target(f"conv.{name}.{what}", 1) for name in ("c3", "c5", "c1") for what in CONVOLUTION),
    *(Target(f"conv.c11.{what}", 1) for what in ("fwd", "dw")),
    *(Target(f"conv.{name}.fb", 1.2) for name in ("maxpool", "batchnorm")),
    Target("net.lenet.b128", 1.3),
    Target("net.vgga_half.b8", 1.1),
    Target("net.alexnet.b16", 1.2),
    Target("first.net.alexnet.b16.cold", most=2.2),
    Target("vae.sample", 1.4),
    *(Target(f"rng.{what}", 1) for what in ("normal.1e7", "uniform.1e7", "bernoulli.1e6")),
)
