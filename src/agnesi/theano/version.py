"""The version of Theano whose names these are."""

from __future__ import annotations

version = full_version = short_version = "1.0.5"
git_revision = ""
