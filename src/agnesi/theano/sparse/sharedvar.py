"""Shared variables that are sparse matrices.

Each is made of shared arrays: elements, indices, starts, and an array without elements that has the
shape; functions read and update these.
"""

from __future__ import annotations

import copy
from typing import Any
from weakref import WeakSet

import agnesi as ag
from agnesi.theano.compile.sharedvalue import (
    SharedContainer,
    SharedVariable,
    shared_constructor,
    tensor_constructor,
)
from agnesi.theano.sparse.basic import _sparse_py_operators
from agnesi.theano.sparse.type import SparseType, scipy_sparse


class SparseTensorSharedVariable(_sparse_py_operators, SharedVariable):
    """A shared sparse matrix.

    Attributes:
        members: the shared arrays that it is made of.
    """

    def _make(self, kind: Any, value: Any, name: str | None) -> Any:
        title = name or "sparse"
        names = (name, f"{title}.indices", f"{title}.indptr", f"{title}.shape")
        arrays = kind.spread(kind.filter(value, self.strict, self.allow_downcast))
        self.members = [tensor_constructor(a, n) for a, n in zip(arrays, names, strict=True)]
        for member in self.members:
            member.belongs_to = self
        return kind.of_leaves([m.tensor for m in self.members])

    def tensor_updates(self, update: Any) -> list[tuple[Any, Any]]:
        """Return the leaves of agnesi and what they become for a new matrix."""
        *arrays, _ = self.type.results_of(update.tensor)
        shape = ag.zeros((*update.tensor.shape, 0), "uint8")
        return [(m.tensor, t) for m, t in zip(self.members, (*arrays, shape), strict=True)]

    @property
    def default_update(self) -> Any:
        """What functions update it to by themselves; None for nothing."""
        return self._default_update

    @default_update.setter
    def default_update(self, value: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        self._default_update = None if value is None else self.filter_update(value)
        fresh = self._default_update
        changes = [None] * 4 if fresh is None else [t for _, t in self.tensor_updates(fresh)]
        for member, change in zip(self.members, changes, strict=True):
            member._default_update = None if change is None else _Tensor(change)

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """Return the matrix; its arrays are copies, unless it is borrowed."""
        del return_internal_type
        *arrays, shape = (m.get_value(borrow=borrow) for m in self.members)
        return self.type.gathered([*arrays, shape.shape[:2]])

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the matrix, also by one that stores more or less."""
        fresh = self.type.filter(new_value, self.strict, self.allow_downcast)
        for member, array in zip(self.members, self.type.spread(fresh), strict=True):
            member.set_value(array, borrow=borrow)

    def users_but(self, one: Any) -> None:
        """Tell the functions that use it, but for one, that its shape has changed."""
        for member in self.members:
            member.users_but(one)

    def zero(self, borrow: bool = False) -> None:
        """Set all that is stored to 0."""
        self.members[0].zero(borrow=borrow)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # The arrays are in the file, and what the matrix is made of is theirs.
        self.__dict__.update(state)
        self.users, self.known = WeakSet(), {}
        self.container = SharedContainer(self)

    __hash__ = object.__hash__


class _Tensor:
    """A tensor where a variable is expected that has one."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor


@shared_constructor
def sparse_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: Any = None,
    borrow: bool = False,
    format: Any = None,
) -> SparseTensorSharedVariable:
    """Return the shared variable of a sparse matrix of SciPy."""
    if not isinstance(value, scipy_sparse.spmatrix):
        raise TypeError(
            "Expected a sparse matrix in the sparse shared variable constructor. Received: ",
            value.__class__,
        )
    kind = SparseType(format=format or value.format, dtype=value.dtype)
    value = value if borrow else copy.deepcopy(value)
    return SparseTensorSharedVariable(
        type=kind, value=value, name=name, strict=strict, allow_downcast=allow_downcast
    )
