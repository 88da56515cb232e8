"""What commands that train show alike: the progress bar, the table of results, the metrics file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def progress_bar(console: Console) -> Progress:
    """Return a live bar whose tasks have a field ``state``; silent where no terminal shows it."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=5,
        disable=not console.is_terminal,
    )


def facts_table(title: str, facts: dict[str, str]) -> Table:
    """Return results in words, a row for each."""
    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(value))
    return table


def csv_of(kind: type[DataclassInstance], rows: Sequence[DataclassInstance]) -> bytes:
    """Return rows of one kind as CSV, under the names of their fields: a count, then numbers."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(field.name for field in fields(kind))
    for row in rows:
        values: tuple[Any, ...] = astuple(row)
        table.writerow([values[0], *(f"{value:.6g}" for value in values[1:])])
    return text.getvalue().encode()
