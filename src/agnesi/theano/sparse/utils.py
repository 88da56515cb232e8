"""Hashes of sparse matrices."""

from __future__ import annotations

from hashlib import sha256
from typing import Any


def hash_from_sparse(data: Any) -> str:
    """Return a hash of a matrix's numbers, places, shape, dtype and format."""
    found = sha256()
    for array in (data.data, data.indices, data.indptr):
        found.update(sha256(array.tobytes()).digest())
    for said in (data.shape, data.dtype, data.format):
        found.update(sha256(str(said).encode()).digest())
    return found.hexdigest()
