"""Dr.Jit on LLVM: element-wise rows, frozen."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.libraries import Missing, Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row

dr: Any = import_module("drjit")
llvm: Any = import_module("drjit.llvm")


class Functions:
    """What expressions call: a class, since ``freeze`` looks into dicts and refuses functions."""

    exp = staticmethod(dr.exp)
    log = staticmethod(dr.log)
    sin = staticmethod(dr.sin)
    tanh = staticmethod(dr.tanh)
    abs = staticmethod(dr.abs)

    @staticmethod
    def log1p(x: Any) -> Any:
        """Return log(1 + x): Dr.Jit has no function of its own."""
        return dr.log(1 + x)


class Library(Side):
    """Dr.Jit."""

    m = Functions

    def __init__(self, threads: int, option: str) -> None:
        super().__init__(threads, option)
        dr.set_thread_count(threads)

    def version(self) -> str:
        """Return name and version."""
        return f"drjit {dr.__version__}"

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        if row.group not in {"calls", "element-wise"}:
            raise Missing
        (array,) = arrays.values()
        x = (llvm.Float if array.dtype == np.float32 else llvm.Float64)(array)
        dr.eval(x)
        expression, m = row.expression, self.m
        f = dr.freeze(lambda x: expression(m, x))

        def call(x: Any) -> Any:
            y = f(x)
            dr.eval(y)
            dr.sync_thread()
            return y

        return Program(call, (x,), lambda y: [y.numpy()])
