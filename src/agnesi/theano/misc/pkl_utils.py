"""Objects in files: a zip with the arrays of shared variables beside a pickle."""

from __future__ import annotations

import io
import os
import pickle
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.compile.sharedvalue import SharedVariable

if TYPE_CHECKING:
    from collections.abc import Callable


class StripPickler(pickle.Pickler):
    """A pickler that leaves out where graphs were made, which is not in them anyway."""

    def __init__(self, file: Any, protocol: int = 0, extra_tag_to_remove: Any = None) -> None:
        del extra_tag_to_remove
        super().__init__(file, protocol)


class CompatUnpickler(pickle.Unpickler):
    """Reads what Python 2 has written."""

    def __init__(self, file: Any, **named: Any) -> None:
        super().__init__(file, encoding=named.get("encoding", "latin1"))


class _Dump(pickle.Pickler):
    def __init__(self, file: Any, archive: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.archive, self.count = archive, 0
        self.names: dict[int, str] = {}
        self.taken: set[str] = set()

    def persistent_id(self, obj: Any) -> Any:
        """Keep arrays beside the pickle."""
        if not isinstance(obj, np.ndarray) or obj.dtype.hasobject:
            return None
        name = self.names.get(id(obj))
        if name is None:
            name = f"array_{self.count}"
            self.count += 1
            self.names[id(obj)] = name
            data = io.BytesIO()
            np.save(data, obj, allow_pickle=False)
            self.archive.writestr(name, data.getvalue())
        return "numpy", name


class _Load(pickle.Unpickler):
    def __init__(self, file: Any, archive: Any) -> None:
        super().__init__(file)
        self.archive = archive
        self.known: dict[str, Any] = {}

    def persistent_load(self, pid: Any) -> Any:
        """Read an array."""
        kind, name = pid
        if kind != "numpy":
            raise pickle.UnpicklingError(f"pkl_utils: {kind} is not known")
        if name not in self.known:
            self.known[name] = np.load(io.BytesIO(self.archive.read(name)), allow_pickle=False)
        return self.known[name]


def dump(
    obj: Any,
    file_handler: IO[bytes],
    protocol: int = pickle.DEFAULT_PROTOCOL,
    persistent_id: Callable[..., Any] | None = None,
) -> None:
    """Write an object as a zip of a pickle and its arrays."""
    del persistent_id
    with (
        zipfile.ZipFile(file_handler, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "pkl"
        with path.open("wb") as file:
            _Dump(file, archive, protocol).dump(obj)
        archive.write(os.fspath(path), "pkl")


def load(f: IO[bytes], persistent_load: Any = None) -> Any:
    """Read an object that :func:`dump` has written."""
    del persistent_load
    with zipfile.ZipFile(f, "r") as archive:
        return _Load(io.BytesIO(archive.read("pkl")), archive).load()


__all__ = ["CompatUnpickler", "SharedVariable", "StripPickler", "dump", "load"]
