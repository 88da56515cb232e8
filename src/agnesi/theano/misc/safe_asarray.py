"""Arrays of a dtype, ``floatX`` among them."""

from __future__ import annotations

from agnesi.theano import _asarray

__all__ = ["_asarray"]
