"""Objects in files: a zip with the arrays of shared variables beside a pickle."""

from __future__ import annotations

import copyreg
import io
import pickle
import zipfile
from collections import Counter
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from agnesi.compile.shared import Cell
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof.graph import scratchpad

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_PROTOCOL = pickle.DEFAULT_PROTOCOL


class StripPickler(pickle.Pickler):
    """A pickler that leaves out what tags of variables hold for debugging alone.

    Attributes:
        tag_to_remove: names in tags: where variables were made, and test values.
    """

    def __init__(
        self, file: Any, protocol: int = 0, extra_tag_to_remove: list[str] | None = None
    ) -> None:
        super().__init__(file, protocol)
        self.tag_to_remove = ["trace", "test_value", *(extra_tag_to_remove or ())]

    def reducer_override(self, obj: Any) -> Any:
        """Return a tag without these; everything else as it is."""
        if not isinstance(obj, scratchpad):
            return NotImplemented
        kept = {k: v for k, v in obj.__dict__.items() if k not in self.tag_to_remove}
        return copyreg.__newobj__, (type(obj),), kept  # type: ignore[attr-defined]


class CompatUnpickler(pickle.Unpickler):
    """Reads what Python 2 has written: ``CompatUnpickler(file, encoding="latin1").load()``."""

    def __init__(self, file: Any, **named: Any) -> None:
        named.setdefault("encoding", "latin1")
        super().__init__(file, **named)


# -- arrays beside the pickle ----------------------------------------------------------------------


def zipadd(func: Callable[[IO[bytes]], Any], zip_file: zipfile.ZipFile, name: str) -> None:
    """Add what a function writes into a file as a part of a zip.

    Args:
        func: is called with the file.
        zip_file: the zip.
        name: of the part.
    """
    data = io.BytesIO()
    func(data)
    zip_file.writestr(name, data.getvalue())


class PersistentNdarrayID:
    """Puts arrays into a zip, and says where: ``"ndarray."`` and the part's name.

    Attributes:
        zip_file: the zip.
        count: how many arrays without a name of their own there are.
        seen: what was said of arrays, by identity.
    """

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self.zip_file, self.count = zip_file, 0
        self.seen: dict[int, str] = {}
        # Arrays that live as long as the pickling: else others might take their identities.
        self._kept: list[Any] = []

    def _resolve_name(self, obj: Any) -> str:
        """Return the name of an array's part."""
        del obj
        name = f"array_{self.count}"
        self.count += 1
        return name

    def __call__(self, obj: Any) -> str | None:
        """Return where an object is; None for what belongs into the pickle."""
        if type(obj) is not np.ndarray or obj.dtype.hasobject:
            return None
        if id(obj) not in self.seen:
            name = self._resolve_name(obj)
            zipadd(lambda f: np.lib.format.write_array(f, obj), self.zip_file, name)
            self.seen[id(obj)] = f"ndarray.{name}"
            self._kept.append(obj)
        return self.seen[id(obj)]


class PersistentGpuArrayID(PersistentNdarrayID):
    """As its base: there are no arrays of GPUs."""


class PersistentSharedVariableID(PersistentGpuArrayID):
    """Names the parts of shared variables' arrays as the variables.

    Args:
        zip_file: the zip.
        allow_unnamed: whether shared variables may be without names.
        allow_duplicates: whether they may have the same name: ``x``, ``x_2``, ``x_3``.
    """

    def __init__(
        self, zip_file: zipfile.ZipFile, allow_unnamed: bool = True, allow_duplicates: bool = True
    ) -> None:
        super().__init__(zip_file)
        self.allow_unnamed, self.allow_duplicates = allow_unnamed, allow_duplicates
        self.name_counter: Counter[str] = Counter()
        self.ndarray_names: dict[int, str] = {}

    def _resolve_name(self, obj: Any) -> str:
        name = self.ndarray_names.get(id(obj))
        if name is None:
            return super()._resolve_name(obj)
        self.name_counter[name] += 1
        number = self.name_counter[name]
        if number > 1 and not self.allow_duplicates:
            raise ValueError(f"multiple shared variables with the name `{name}` found")
        return name if number == 1 else f"{name}_{number}"

    def __call__(self, obj: Any) -> str | None:
        """Return where an object is; None for what belongs into the pickle.

        Raises:
            ValueError: a shared variable has no name, or that of another one or of the pickle.
        """
        if isinstance(obj, SharedVariable):
            if obj.name == "pkl":
                raise ValueError("can't pickle shared variable with name `pkl`")
            if obj.name:
                self.ndarray_names[id(obj.get_value(borrow=True))] = obj.name
            elif not self.allow_unnamed:
                raise ValueError(f"unnamed shared variable, {obj}")
        return super().__call__(obj)


class PersistentNdarrayLoad:
    """Reads the arrays that :class:`PersistentNdarrayID` has put into a zip.

    Attributes:
        zip_file: the zip.
        cache: what was read, by name.
    """

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self.zip_file = zip_file
        self.cache: dict[str, Any] = {}

    def __call__(self, persid: str) -> Any:
        """Return an array by what was said of it."""
        kind, _, name = persid.partition(".")
        if kind != "ndarray":
            raise pickle.UnpicklingError(f"pkl_utils: {persid}: there are no arrays of GPUs here")
        if name not in self.cache:
            with self.zip_file.open(name) as file:
                self.cache[name] = np.lib.format.read_array(io.BytesIO(file.read()))
        return self.cache[name]


class _Pickler(pickle.Pickler):
    def __init__(self, file: Any, protocol: int, persistent: Callable[[Any], Any]) -> None:
        super().__init__(file, protocol)
        self.persistent = persistent

    def persistent_id(self, obj: Any) -> Any:
        """Return where an object is kept outside of the pickle."""
        return self.persistent(obj)

    def reducer_override(self, obj: Any) -> Any:
        """Give arrays of shared variables themselves: they are known by identity."""
        return (Cell, (obj.array,)) if isinstance(obj, Cell) else NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, persistent: Callable[[Any], Any]) -> None:
        super().__init__(file)
        self.persistent = persistent

    def persistent_load(self, pid: Any) -> Any:
        """Return what is kept outside of the pickle."""
        return self.persistent(pid)


def dump(
    obj: Any,
    file_handler: IO[bytes],
    protocol: int = DEFAULT_PROTOCOL,
    persistent_id: Callable[..., Any] = PersistentSharedVariableID,
) -> None:
    """Write an object as a zip of a pickle, ``pkl``, and arrays, which ``numpy.load`` reads too.

    Args:
        obj: the object.
        file_handler: a file to write to.
        protocol: of the pickle.
        persistent_id: is called with the zip; what it returns is called with each object, and says
            where that is, or None if it belongs into the pickle.
    """
    with zipfile.ZipFile(file_handler, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        persistent = persistent_id(archive)
        zipadd(lambda f: _Pickler(f, protocol, persistent).dump(obj), archive, "pkl")


def load(f: IO[bytes], persistent_load: Callable[..., Any] = PersistentNdarrayLoad) -> Any:
    """Read an object that :func:`dump` has written.

    Args:
        f: the file.
        persistent_load: is called with the zip; what it returns is called with what was said where
            an object is, and returns the object.
    """
    with zipfile.ZipFile(f, "r") as archive:
        return _Unpickler(io.BytesIO(archive.read("pkl")), persistent_load(archive)).load()


__all__ = [
    "CompatUnpickler",
    "PersistentGpuArrayID",
    "PersistentNdarrayID",
    "PersistentNdarrayLoad",
    "PersistentSharedVariableID",
    "StripPickler",
    "dump",
    "load",
    "zipadd",
]
