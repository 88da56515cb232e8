"""What commands that train show alike: the table of results."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text


def facts_table(title: str, facts: dict[str, str]) -> Table:
    """Return results in words, a row for each."""
    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(value))
    return table
