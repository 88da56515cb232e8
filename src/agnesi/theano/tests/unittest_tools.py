"""Helpers of tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano import gradient
from agnesi.theano.configparser import config


class WrongValue(Exception):
    """A value is not what it should be."""


def fetch_seed(pseed: Any = None) -> int:
    """Return the seed of tests."""
    seed = pseed if pseed is not None else config.unittests.rseed
    return int(np.random.RandomState().randint(0, 2**30)) if seed == "random" else int(seed)


def seed_rng(pseed: Any = None) -> int:
    """Seed NumPy's own generator; return the seed."""
    seed = fetch_seed(pseed)
    np.random.seed(seed)
    return seed


def verify_grad(
    op: Any, pt: Any, n_tests: int = 2, rng: Any = None, *args: Any, **named: Any
) -> None:
    """Hold a function's gradient against differences."""
    if rng is None:
        rng = np.random.RandomState(fetch_seed())
    gradient.verify_grad(op, pt, n_tests, rng, *args, **named)


def assert_allclose(expected: Any, value: Any, rtol: Any = None, atol: Any = None) -> None:
    """Check that arrays are nearly equal."""
    close = {"float16": 5e-3, "float32": 1e-5, "complex64": 1e-5}
    worst = max(
        (close.get(str(np.asarray(a).dtype), 1e-8) for a in (expected, value)), default=1e-8
    )
    if not np.allclose(expected, value, rtol or worst, atol or worst, equal_nan=True):
        raise WrongValue(expected, value, rtol, atol)
