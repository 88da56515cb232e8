"""Dictionaries of updates: where programs look for ``OrderedUpdates``."""

from __future__ import annotations

from agnesi.theano.compile.function_module import OrderedUpdates

__all__ = ["OrderedUpdates"]
