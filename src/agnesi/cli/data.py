"""``agnesi data``: which data sets there are, where they are, and getting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from rich.table import Table
from rich.text import Text

from agnesi.datasets import DATASETS, Dataset, DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console


def listing(folder: Path | None) -> Table:
    """A table of all data sets: what each is, and where it was found or how to get it."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "what", "where"):
        table.add_column(heading)
    for each in DATASETS:
        table.add_row(each.name, f"{each.title}: {each.what}", _where(each, folder))
    return table


def _where(each: Dataset[Any], folder: Path | None) -> Text:
    found = each.find(folder, stand_ins=False)
    if found is not None:
        return Text(found.where, style="green")
    part = each.find(folder)
    here = "not here" if part is None else part.where
    if each.downloads:
        return Text(f"{here}; agnesi data {each.name} downloads it ({each.size})")
    return Text(f"{here}; agnesi data {each.name} says how to get it")


def get(names: Sequence[str], folder: Path | None, console: Console) -> None:
    """Find each data set, download what is nowhere, read it, and print what it holds.

    Raises:
        DatasetError: there is no data set of that name, or it cannot be had or read.
    """
    for each in [_named(name) for name in names]:
        data = each.load(folder, download=True)
        console.print(Text(each.title, style="bold"))
        lines = {"read": data.source, "terms": each.terms, "home": each.home, **_contents(data)}
        for key, value in lines.items():
            console.print(Text(f"  {key:14} {value}"))


def _named(name: str) -> Dataset[Any]:
    for each in DATASETS:
        if _plain(each.name) == _plain(name):
            return each
    known = ", ".join(each.name for each in DATASETS)
    raise DatasetError(f"data: there is no data set {name!r}\n  There are {known}.")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _contents(data: object) -> dict[str, str]:
    """What a loader returned, field by field."""
    shown: dict[str, str] = {}
    for name, value in vars(data).items():
        if isinstance(value, np.ndarray):
            array = cast("np.ndarray[tuple[int, ...], np.dtype[Any]]", value)
            shown[name] = f"{array.dtype}{list(array.shape)}"
        elif isinstance(value, str) and name != "source":
            shown[name] = f"{len(value):,} characters"
        elif isinstance(value, tuple):
            shown[name] = f"{len(cast('tuple[object, ...]', value)):,}"
    return shown
