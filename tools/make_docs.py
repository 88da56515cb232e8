"""Make the parts of ``docs/`` that are derived from the code.

Tables stand between ``<!-- name: made by tools/make_docs.py -->`` and ``<!-- end -->`` in pages of
``docs/``; pages of ``docs/api/`` list public functions for mkdocstrings, which reads docstrings.

    python tools/make_docs.py            rewrite what is out of date
    python tools/make_docs.py --check    exit with 1 if something is
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import agnesi as ag
from agnesi.core import knobs
from agnesi.core.dtypes import ALL
from agnesi.ops import OPS
from agnesi.ops.families import HostOp, Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))
DOCS = ROOT / "docs"
NAMESPACES = ("", "special", "linalg", "fft", "random")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    titles = list(head)
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def first_line(thing: Any) -> str:
    """Return the first sentence of a docstring, safe inside a table."""
    text = inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return text.replace("``", "`").replace("|", "\\|")


def knob_table() -> str:
    """Return the debug knobs."""
    rows = ((f"`{k.variable}`", k.values, k.does) for k in knobs.KNOBS)
    return table(("variable", "values", "what it does"), rows)


def public_path(op: type[Op]) -> str:
    """Return how a user reaches an op, empty if only other ops use it."""
    # Special functions and distributions have names in common.
    spaces = ("random",) if op.__module__.startswith("agnesi.ops.random") else NAMESPACES
    for space in spaces:
        holder = getattr(ag, space, None) if space else ag
        if holder is not None and callable(getattr(holder, op.public, None)):
            return f"ag.{space}.{op.public}" if space else f"ag.{op.public}"
    return "`x[...]`" if op.public == "getitem" else ""


def dtype_text(op: type[Op]) -> str:
    """Return the dtypes of an op in few words."""
    kinds = set(op.dtypes)
    if kinds == set(ALL):
        return "all"
    return " ".join(d.value for d in ALL if d in kinds)


def op_table() -> str:
    """Return every op with what is known of it."""
    rows = []
    for op in OPS:
        path = public_path(op)
        rows.append(
            (
                path if path.startswith("`") else f"`{path}`" if path else "(internal)",
                op.__name__,
                dtype_text(op),
                "yes" if op.differentiable else "no",
                "host" if issubclass(op, HostOp) else "native",
                first_line(op),
            )
        )
    return table(("function", "op", "dtypes", "gradient", "code", "what it is"), rows)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "knobs": ("debugging.md", knob_table),
    "ops": ("ops.md", op_table),
    **{name: ("benchmarks.md", part) for name, part in import_module("bench.page").PARTS.items()},
}


def array_api_page() -> str:
    """Return the table of the array API standard, which the tests hold against the code."""
    return import_module("tests.api.array_api").markdown()


def made(name: str, text: str) -> str:
    """Return a page's text with one table renewed.

    Raises:
        ValueError: the page has no place for it.
    """
    start = f"<!-- {name}: made by tools/make_docs.py -->\n"
    place = re.compile(re.escape(start) + r".*?<!-- end -->", re.DOTALL)
    if place.search(text) is None:
        raise ValueError(f"docs/{TABLES[name][0]} has no place for the table {name}")
    return place.sub(lambda _: f"{start}{TABLES[name][1]()}\n<!-- end -->", text)


def stale() -> dict[Path, str]:
    """Return what pages should say, where they do not."""
    pages: dict[Path, str] = {}
    for name, (page, _) in TABLES.items():
        path = DOCS / page
        pages[path] = made(name, pages.get(path) or path.read_text(encoding="utf8"))
    found = {path: text for path, text in pages.items() if text != path.read_text(encoding="utf8")}
    path, text = DOCS / "array-api.md", array_api_page()
    if text != path.read_text(encoding="utf8"):
        found[path] = text
    return found


def reference_pages() -> dict[str, str]:
    """Return the pages of ``docs/api/``: every public function, file by file."""
    pages: dict[str, list[str]] = {}
    for name, thing in sorted(public_names().items()):
        pages.setdefault(page_of(thing), []).append(name)
    return {
        page: "\n\n".join(
            [
                f"# {page}",
                *(f"::: {name}\n    options:\n      force_inspection: true" for name in names),
            ]
        )
        + "\n"
        for page, names in pages.items()
    }


def public_names() -> dict[str, Any]:
    """Return what a user can call, by the name to call it by."""
    found: dict[str, Any] = {}
    rooms = ("nn", "optim", "datasets", "preprocessing", "preprocessing.audio", "testing")
    for space in (*NAMESPACES, *rooms):
        holder = ag if not space else _module(f"agnesi.{space}")
        if holder is None:
            continue
        prefix = "agnesi" + (f".{space}" if space else "")
        listed = getattr(holder, "__all__", vars(holder))
        for name, thing in vars(holder).items():
            documented = inspect.isfunction(thing) or inspect.isclass(thing)
            public = name in listed and not name.startswith("_")
            if documented and public and thing.__module__.startswith("agnesi"):
                found[f"{prefix}.{name}"] = thing
    return found


def page_of(thing: Any) -> str:
    """Return the page that documents a thing: the last part of its module."""
    return thing.__module__.removeprefix("agnesi.").replace(".", "-")


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        return None


def main() -> int:
    """Rewrite, or check."""
    parser = argparse.ArgumentParser(description="make the derived parts of docs/")
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    old = stale()
    for path in old:
        print(("out of date: " if options.check else "renewed: ") + str(path.relative_to(ROOT)))
    if options.check:
        return int(bool(old))
    for path, text in old.items():
        path.write_text(text, encoding="utf8")
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    for name, text in reference_pages().items():
        (folder / f"{name}.md").write_text(text, encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
