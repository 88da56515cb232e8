"""Helpers of tests."""

from __future__ import annotations

import copy
import sys
import unittest
import warnings
from functools import wraps
from re import sub
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

import numpy as np

from agnesi.theano import gradient
from agnesi.theano.compile import get_default_mode
from agnesi.theano.compile.function_module import function
from agnesi.theano.configparser import config
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic, elementary

if TYPE_CHECKING:
    from collections.abc import Callable


def custom_name_func(testcase_func: Any, param_num: Any, param: Any) -> str:
    """Return a test's name with its parameters behind it."""
    del param_num
    said = "_".join(str(x) for x in param.args)
    return f"{testcase_func.__name__}_{sub('[^a-zA-Z0-9_]+', '_', said)}"


# -- seeds ---------------------------------------------------------------------------------------


def fetch_seed(pseed: Any = None) -> int | None:
    """Return the seed of tests: what is given, or ``config.unittests.rseed``; None for none."""
    seed = pseed or config.unittests.rseed
    if seed == "random":
        return None
    try:
        return int(seed) if seed else None
    except ValueError:
        print(
            "Error: config.unittests.rseed contains invalid seed, using None instead",
            file=sys.stderr,
        )
        return None


def seed_rng(pseed: Any = None) -> int | None:
    """Seed NumPy's own generator; return the seed."""
    seed = fetch_seed(pseed)
    np.random.seed(seed)
    return seed


class MockRandomState:
    """Gives a value for every number: 0 the lowest, another one the highest integer.

    Attributes:
        val: the value.
    """

    def __init__(self, val: Any) -> None:
        self.val = val

    def rand(self, *shape: int) -> Any:
        """Return an array of the value."""
        return np.zeros(shape) + self.val

    def randint(self, minval: int, maxval: int | None = None, size: Any = 1) -> Any:
        """Return an array of the lowest, or highest, integer."""
        low, high = (0, minval) if maxval is None else (minval, maxval)
        return np.full(size, low if self.val == 0 else high - 1, "int64")


# -- checks --------------------------------------------------------------------------------------


def verify_grad(
    op: Any, pt: Any, n_tests: int = 2, rng: Any = None, *args: Any, **kwargs: Any
) -> None:
    """Hold a function's gradient against differences.

    Raises:
        verify_grad.E_grad: it is another one.
    """
    if rng is None:
        seed_rng()
        rng = np.random
    gradient.verify_grad(op, pt, n_tests, rng, *args, **kwargs)


verify_grad.E_grad = gradient.verify_grad.E_grad  # type: ignore[attr-defined]


def str_diagnostic(expected: Any, value: Any, rtol: Any, atol: Any) -> str:
    """Return how far an array is from the expected one, in lines."""
    lines: list[str] = []
    if isinstance(expected, np.ndarray | np.generic) and np.size(expected):
        lines.append("           : shape, dtype, strides, min, max, n_inf, n_nan:")
        lines.append(f"  Expected : {_facts(expected)}")
    if isinstance(value, np.ndarray | np.generic) and np.size(value):
        lines.append(f"  Value    : {_facts(value)}")
    lines += [f"  expected    : {expected}", f"  value    : {value}"]
    wanted: Any = np.asarray(expected)
    found: Any = np.asarray(value)
    if wanted.shape == found.shape and wanted.size and wanted.dtype.kind in "fciu":
        with np.errstate(all="ignore"):
            apart = np.abs(found - wanted)
            relative = apart / np.abs(wanted)
        for name, array in (("Abs", apart), ("Rel", relative)):
            for how in ("max", "mean", "median", "std"):
                number = getattr(np, how)(array)
                lines.append(f"  {how.capitalize()} {name} Diff:  {number}")
    usual = basic._get_atol_rtol(wanted, found)
    allowed = [u if given is None else given for u, given in zip(usual, (atol, rtol), strict=True)]
    lines.append(f"  rtol, atol: {allowed[1]} {allowed[0]}")
    return "\n".join(lines) + "\n"


def _facts(array: Any) -> str:
    infinite, none = np.isinf(array).sum(), np.isnan(array).sum()
    whole = (array.shape, array.dtype, array.strides, array.min(), array.max(), infinite, none)
    return " ".join(map(str, whole))


class WrongValue(Exception):
    """A value is not what it should be.

    Attributes:
        val1: what it should be.
        val2: the value.
        rtol: relative difference that is allowed.
        atol: absolute difference that is allowed.
    """

    def __init__(self, expected_val: Any, val: Any, rtol: Any, atol: Any) -> None:
        super().__init__()
        self.val1, self.val2, self.rtol, self.atol = expected_val, val, rtol, atol

    def __str__(self) -> str:
        return "WrongValue\n" + str_diagnostic(self.val1, self.val2, self.rtol, self.atol)


def assert_allclose(expected: Any, value: Any, rtol: Any = None, atol: Any = None) -> None:
    """Check that arrays are nearly equal.

    Raises:
        WrongValue: they are not.
    """
    if not basic._allclose(expected, value, rtol, atol):
        raise WrongValue(expected, value, rtol, atol)


class TestOptimizationMixin:
    """Checks which ops a function has; of agnesi's own rewrites ``f.explain()`` tells."""

    __test__ = False

    def assertFunctionContains(self, f: Any, op: Any, min: int = 1, max: int = sys.maxsize) -> None:
        """Check how many applications of an op there are."""
        self._check(f, op, lambda each: each == op, min, max)

    def assertFunctionContains0(self, f: Any, op: Any) -> None:
        """Check that there is none."""
        self.assertFunctionContains(f, op, 0, 0)

    def assertFunctionContains1(self, f: Any, op: Any) -> None:
        """Check that there is one."""
        self.assertFunctionContains(f, op, 1, 1)

    def assertFunctionContainsN(self, f: Any, op: Any, N: int) -> None:
        """Check that there are so many."""
        self.assertFunctionContains(f, op, N, N)

    def assertFunctionContainsClass(
        self, f: Any, op: Any, min: int = 1, max: int = sys.maxsize
    ) -> None:
        """Check how many applications of ops of a class there are."""
        self._check(f, op, lambda each: isinstance(each, op), min, max)

    def assertFunctionContainsClassN(self, f: Any, op: Any, N: int) -> None:
        """Check that there are so many."""
        self.assertFunctionContainsClass(f, op, N, N)

    def _check(self, f: Any, op: Any, fits: Callable[[Any], bool], low: int, high: int) -> None:
        nodes = f.maker.fgraph.toposort()
        count = sum(bool(fits(node.op)) for node in nodes)
        if not low <= count <= high:
            raise AssertionError(nodes, count, str(op), low, high)

    def SkipTest(self, msg: str = "Skip this test") -> None:
        """Skip the test."""
        raise SkipTest(msg)


class T_OpContractMixin:
    """Checks that ops compare and hash as they should: ``ops`` is a list of different ones."""

    ops: Any
    other_op = elementary.add

    def copy(self, x: Any) -> Any:
        """Return a copy."""
        return copy.copy(x)

    def deepcopy(self, x: Any) -> Any:
        """Return a copy of it and what it has."""
        return copy.deepcopy(x)

    def clone(self, op: Any) -> Any:
        """Return an equal op that is made anew."""
        raise NotImplementedError("return new instance like `op`")

    def _twins(self, op: Any) -> list[Any]:
        return [op, self.copy(op), self.deepcopy(op), self.clone(op)]

    def test_eq(self) -> None:
        """Copies are equal, others are not."""
        for k, op in enumerate(self.ops):
            assert all(op == twin for twin in self._twins(op))
            assert op != self.other_op
            assert not any(op == other for j, other in enumerate(self.ops) if j != k)

    def test_hash(self) -> None:
        """Equal ops have equal hashes."""
        for op in self.ops:
            assert all(hash(op) == hash(twin) for twin in self._twins(op))
            assert hash(op) != hash(self.other_op)

    def test_name(self) -> None:
        """Ops have texts."""
        assert all(str(op) for op in self.ops)


class InferShapeTester(unittest.TestCase):
    """Checks that the shapes an op says are those of what it computes."""

    def setUp(self) -> None:
        """Seed NumPy, and choose the mode."""
        seed_rng()
        mode = getattr(self, "mode", None)
        self.mode = get_default_mode() if mode is None else mode

    def _compile_and_check(
        self,
        inputs: Any,
        outputs: Any,
        numeric_inputs: Any,
        cls: Any,
        excluding: Any = None,
        warn: bool = True,
        check_topo: bool = True,
    ) -> None:
        """Compile outputs and their shapes, and hold them against each other.

        Args:
            inputs: variables.
            outputs: what is computed from them.
            numeric_inputs: values of the inputs.
            cls: class of the op, which the outputs need and their shapes do not.
            excluding: names of Theano's rewrites, of which the mode is told.
            warn: whether to warn of values with equal sizes, which hide sizes mixed up.
            check_topo: whether to check that the shapes do not need the op.
        """
        mode = self.mode.excluding(*excluding) if excluding else self.mode
        if warn:
            _warn_of_equal_sizes(inputs, numeric_inputs, cls)
        values = function(inputs, outputs, mode=mode)
        shapes = function(inputs, [o.shape for o in outputs], mode=mode, on_unused_input="ignore")
        if not any(isinstance(node.op, cls) for node in values.maker.fgraph.toposort()):
            raise AssertionError(f"nothing is computed by {cls}")
        if check_topo and not _shapes_without(outputs, cls):
            raise AssertionError(f"the shapes of the outputs need {cls}: is there no infer_shape?")
        pairs = zip(values(*numeric_inputs), shapes(*numeric_inputs), strict=True)
        for out, shape in pairs:
            if not np.array_equal(np.shape(out), shape):
                raise AssertionError(np.shape(out), shape)


def _shapes_without(outputs: Any, cls: Any) -> bool:
    """Whether sizes of outputs are known without computing what ops of a class compute."""
    from agnesi.graph.graph import toposort
    from agnesi.theano.gof.op import PerformedShape

    tensors = [o.shape.tensor for o in outputs]
    return not any(
        isinstance(node, PerformedShape) and isinstance(node.call_.op, cls)
        for node in toposort(tensors)
    )


def _warn_of_equal_sizes(inputs: Any, values: Any, cls: Any) -> None:
    for variable, value in zip(inputs, values, strict=True):
        pattern = getattr(variable.type, "broadcastable", None)
        shape = np.shape(value) if pattern is not None else getattr(value, "shape", ())
        sizes = [n for k, n in enumerate(shape) if pattern is None or not pattern[k]]
        if len(set(sizes)) != len(sizes):
            warnings.warn(
                f"While testing shape inference for {cls!r}, we received an input with a shape "
                f"that has some repeated values: {shape}: sizes that are mixed up are not found",
                stacklevel=3,
            )
            return


class AttemptManyTimes:
    """Decorates a test that depends on chance: it is tried several times.

    Attributes:
        n_attempts: how often, at most; each with a seed of its own.
        n_req_successes: how often it has to pass.
    """

    def __init__(self, n_attempts: int, n_req_successes: int = 1) -> None:
        if n_attempts < n_req_successes:
            raise AssertionError("a test cannot pass more often than it is tried")
        self.n_attempts, self.n_req_successes = n_attempts, n_req_successes

    def __call__(self, fct: Callable[..., Any]) -> Callable[..., None]:
        """Return the test that tries."""

        @wraps(fct)
        def tried(*args: Any, **named: Any) -> None:
            seed = config.unittests.rseed
            passed = 0
            for attempt in range(self.n_attempts):
                numbered = seed not in (None, "random")
                config.unittests.rseed = str(int(seed) + attempt) if numbered else seed
                try:
                    _once(fct, args, named)
                    passed += 1
                except Exception:
                    left = self.n_attempts - attempt - 1
                    if passed + left < self.n_req_successes:
                        raise
                finally:
                    config.unittests.rseed = seed
                if passed == self.n_req_successes:
                    return

        return tried


def _once(fct: Callable[..., Any], args: Any, named: Any) -> None:
    """Run a test; that of a class between its ``setUp`` and ``tearDown``."""
    owner = args[0] if len(args) == 1 and hasattr(args[0], "_testMethodName") else None
    if owner is not None:
        owner.setUp()
    try:
        fct(*args, **named)
    finally:
        if owner is not None:
            owner.tearDown()


def assertFailure_fast(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a test that Theano's fast detection of cycles fails; agnesi has no such mode."""
    return f


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
