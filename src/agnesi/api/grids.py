"""Grids of coordinates by slices: ``ag.mgrid[0:3, 0:n]`` and ``ag.ogrid``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agnesi.core.errors import GraphTypeError
from agnesi.ops.creation import arange
from agnesi.ops.joining import stack
from agnesi.ops.ranges import linspace, meshgrid

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor


class Grid:
    """What slices in brackets make coordinates of, as NumPy's ``mgrid`` and ``ogrid``.

    A step that is an imaginary number, ``0:1:5j``, is a number of points, both ends among them.
    """

    def __init__(self, name: str, *, sparse: bool) -> None:
        self.name, self.sparse = name, sparse

    def __getitem__(self, key: Any) -> Any:
        """Return the coordinates: an axis for each slice.

        Raises:
            GraphTypeError: something that is no slice with an end.
        """
        if not isinstance(key, tuple):
            return self.line(key)
        lines = [self.line(each) for each in cast("tuple[Any, ...]", key)]
        grids = meshgrid(*lines, indexing="ij", sparse=self.sparse)
        return grids if self.sparse else stack(grids)

    def line(self, key: Any) -> Tensor:
        """Return the coordinates along one axis."""
        if not isinstance(key, slice) or cast("slice[Any, Any, Any]", key).stop is None:
            raise GraphTypeError(
                f"{self.name}: takes slices with an end, but was given {key!r}\n"
                f"  write for example ag.{self.name}[0:3, 0:n]"
            )
        given = cast("slice[Any, Any, Any]", key)
        start = 0 if given.start is None else given.start
        if isinstance(given.step, complex):
            return linspace(start, given.stop, int(abs(given.step)))
        return arange(start, given.stop, 1 if given.step is None else given.step)


mgrid = Grid("mgrid", sparse=False)
ogrid = Grid("ogrid", sparse=True)
