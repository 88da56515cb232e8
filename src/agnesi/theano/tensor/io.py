"""Arrays from files, and to and from other processes: Python code in the midst of a function."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.gof.type import Generic
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable, tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

mpi_enabled = find_spec("mpi4py") is not None


class LoadFromDisk(Op):
    """Reads an array from a file when it is computed.

    Attributes:
        dtype: which the array has.
        broadcastable: for each axis whether its size is 1.
        mmap_mode: ``"c"`` to read what is needed of the file alone.
    """

    __props__ = ("dtype", "broadcastable", "mmap_mode")

    def __init__(
        self, dtype: Any, broadcastable: Sequence[bool], mmap_mode: str | None = None
    ) -> None:
        if mmap_mode not in (None, "c"):
            raise ValueError(
                f"The only supported values for mmap_mode are None and 'c', got {mmap_mode}"
            )
        self.dtype, self.broadcastable = np.dtype(dtype), tuple(broadcastable)
        self.mmap_mode: Any = mmap_mode

    def make_node(self, path: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application to a path: a text, or a variable that holds one."""
        given = path if isinstance(path, Variable) else Constant(Generic(), str(path))
        return Apply(self, [given], [tensor(self.dtype, broadcastable=self.broadcastable)])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Read."""
        del node, params
        path = str(inputs[0])
        if path.endswith(".npz"):
            raise ValueError(f"Expected a .npy file, got {path} instead")
        found = np.load(path, mmap_mode=self.mmap_mode)
        if found.dtype != self.dtype:
            raise TypeError(f"Expected an array of type {self.dtype}, got {found.dtype} instead")
        output_storage[0][0] = found

    def __str__(self) -> str:
        return (
            f"Load{{dtype: {self.dtype}, broadcastable: {self.broadcastable}, "
            f"mmep: {self.mmap_mode}}}"
        )


def load(path: Any, dtype: Any, broadcastable: Sequence[bool], mmap_mode: str | None = None) -> Any:
    """Return the array of a ``.npy`` file, which is read in each call.

    Args:
        path: a text, or a variable of ``theano.generic`` that holds one.
        dtype: which the array has.
        broadcastable: for each axis whether its size is 1.
        mmap_mode: ``"c"`` to read what is needed of the file alone; None for all of it.
    """
    return LoadFromDisk(dtype, broadcastable, mmap_mode)(path)


# -- other processes -----------------------------------------------------------------------------


def _world() -> Any:
    """Return all processes.

    Raises:
        RuntimeError: mpi4py is not installed.
    """
    if not mpi_enabled:
        raise RuntimeError("send and recv work over MPI: install the package mpi4py")
    # Importing it starts MPI, which a program that does not send should not have.
    mpi: Any = import_module("mpi4py.MPI")
    return mpi.COMM_WORLD


class MPIRecv(Op):
    """Begins to receive an array: gives a request, and the array that will be filled."""

    __props__ = ("source", "tag", "shape", "dtype")

    def __init__(self, source: int, tag: int, shape: Sequence[int], dtype: Any) -> None:
        self.source, self.tag, self.shape = source, tag, tuple(shape)
        self.dtype = np.dtype(dtype)
        self.broadcastable = (False,) * len(self.shape)

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application."""
        del inputs
        return Apply(
            self, [], [Variable(Generic()), tensor(self.dtype, broadcastable=self.broadcastable)]
        )

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Begin."""
        del node, inputs, params
        data = np.zeros(self.shape, self.dtype)
        request = _world().Irecv(data, self.source, self.tag)
        # Native code copies arrays: the one that is filled stays with its request.
        output_storage[0][0], output_storage[1][0] = (request, data), data

    def __str__(self) -> str:
        return (
            f"MPIRecv{{source: {self.source}, tag: {self.tag}, shape: {self.shape}, "
            f"dtype: {self.dtype}}}"
        )

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """The shape that was said."""
        del node, shapes
        return [None, self.shape]

    def do_constant_folding(self, node: Apply) -> bool:
        """It is received in each call."""
        del node
        return False


class MPIRecvWait(Op):
    """Waits until an array has been received."""

    __props__ = ("tag",)

    def __init__(self, tag: int) -> None:
        self.tag = tag

    def make_node(self, request: Any, data: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        return Apply(self, [request, data], [data.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Wait."""
        del node, params
        request, data = inputs[0]
        request.wait()
        output_storage[0][0] = data

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """The shape that was said."""
        del node
        return [shapes[1]]


class MPISend(Op):
    """Begins to send an array: gives a request, and the array."""

    __props__ = ("dest", "tag")

    def __init__(self, dest: int, tag: int) -> None:
        self.dest, self.tag = dest, tag

    def make_node(self, data: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        data = as_tensor_variable(data)
        return Apply(self, [data], [Variable(Generic()), data.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Begin."""
        del node, params
        (data,) = inputs
        request = _world().Isend(data, self.dest, self.tag)
        output_storage[0][0], output_storage[1][0] = (request, data), data

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """That of the array."""
        del node
        return [None, shapes[0]]

    def __str__(self) -> str:
        return f"MPISend{{dest: {self.dest}, tag: {self.tag}}}"


class MPISendWait(Op):
    """Waits until an array has been sent; gives True."""

    __props__ = ("tag",)

    def __init__(self, tag: int) -> None:
        self.tag = tag

    def make_node(self, request: Any, data: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        return Apply(self, [request, data], [Variable(Generic())])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Wait."""
        del node, params
        inputs[0][0].wait()
        output_storage[0][0] = True


def isend(var: Any, dest: int, tag: int) -> Any:
    """Return a request and the array, which begins to be sent to a process."""
    return MPISend(dest, tag)(var)


def send(var: Any, dest: int, tag: int) -> Any:
    """Return what is True when an array has been sent to a process."""
    return MPISendWait(tag)(*isend(var, dest, tag))


def irecv(shape: Sequence[int], dtype: Any, source: int, tag: int) -> Any:
    """Return a request and the array that begins to be received from a process."""
    return MPIRecv(source, tag, shape, dtype)()


def recv(shape: Sequence[int], dtype: Any, source: int, tag: int) -> Any:
    """Return an array that is received from a process."""
    return MPIRecvWait(tag)(*irecv(shape, dtype, source, tag))


def mpi_send_wait_key(a: Apply) -> int:
    """Return what puts beginnings in front, and waits behind, in an order of applications."""
    if isinstance(a.op, MPIRecvWait | MPISendWait):
        return 1
    return -1 if isinstance(a.op, MPIRecv | MPISend) else 0


def mpi_tag_key(a: Apply) -> int:
    """Return the tag of an application that sends or receives; 0 for others."""
    kinds = MPISend | MPIRecv | MPIRecvWait | MPISendWait
    return a.op.tag if isinstance(a.op, kinds) else 0


def key_to_cmp(key: Callable[[Any], int]) -> Callable[[Any, Any], int]:
    """Return a comparison of two applications by a key: -1, 0 or 1."""

    def compare(a: Any, b: Any) -> int:
        return (key(a) > key(b)) - (key(a) < key(b))

    return compare


mpi_keys = (mpi_send_wait_key, mpi_tag_key)
mpi_send_wait_cmp, mpi_tag_cmp = map(key_to_cmp, mpi_keys)
mpi_cmps = (mpi_send_wait_cmp, mpi_tag_cmp)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)
