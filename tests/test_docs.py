"""The derived parts of the documentation are up to date, and links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_say_what_the_code_says():
    old = [path.name for path in tool("make_docs").stale()]
    assert not old, f"{old}: run python tools/make_docs.py"


def test_every_public_function_has_a_page():
    made = tool("make_docs")
    pages = made.reference_pages()
    assert sum(text.count("\n::: ") for text in pages.values()) == len(made.public_names())
    assert len(pages) > 10


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=str)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
