"""Checkpoints: all that a run needs to go on, in files that other programs can read.

A checkpoint is a safetensors file with the value of each shared variable; its metadata hold the
state of the run as JSON, and a checksum of all of it.  :func:`save` and :func:`load` are one file,
:class:`Checkpoints` is a folder of them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import ml_dtypes
import numpy as np

from agnesi.compile.function import Function
from agnesi.compile.shared import Shared
from agnesi.training.errors import (
    CheckpointCorrupt,
    CheckpointMismatch,
    CheckpointUnwritable,
    TrainingError,
)
from agnesi.training.files import check_writable, remove_leftovers, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from agnesi.training.files import PathLike

    Array = NDArray[Any]

_STATE, _CHECKSUM = "agnesi.state", "agnesi.sha256"
_DTYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "U32": np.uint32,
    "I32": np.int32,
    "U64": np.uint64,
    "I64": np.int64,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F32": np.float32,
    "F64": np.float64,
    "C64": np.complex64,
}
_BEST = "best.safetensors"
_SHARE = 20


def variables(*sources: Any) -> dict[str, Shared]:
    """Return shared variables by names of their own, in the order in which they were made.

    Args:
        *sources: shared variables, compiled functions (all that they read or update: parameters,
            what optimisers remember, keys and counters of random streams), and lists of these.

    Raises:
        TrainingError: something else.

    >>> w, again = ag.shared(1.0, "w"), ag.shared(2.0, "w")
    >>> list(variables(ag.function([], w + again)))
    ['w', 'w#2']
    """
    found = {variable.uid: variable for variable in _shareds(sources)}
    named: dict[str, Shared] = {}
    counts: dict[str, int] = {}
    for uid in sorted(found):
        name = found[uid].name or "unnamed"
        counts[name] = counts.get(name, 0) + 1
        named[name if counts[name] == 1 else f"{name}#{counts[name]}"] = found[uid]
    return named


def _shareds(source: Any) -> Iterator[Shared]:
    if isinstance(source, Shared):
        yield source
    elif isinstance(source, Function):
        for leaf in (*source.program.shareds, *source.request.updates):
            if isinstance(leaf, Shared):
                yield leaf
    elif isinstance(source, Mapping):
        for value in source.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _shareds(value)
    elif isinstance(source, Iterable) and not isinstance(source, str | np.ndarray):
        for value in source:  # pyright: ignore[reportUnknownVariableType]
            yield from _shareds(value)
    else:
        raise TrainingError(
            f"variables: {source!r} is neither a shared variable nor a compiled function\n"
            "  Give what ag.shared or ag.function has returned, or lists of that."
        )


def save(
    path: PathLike, held: Mapping[str, Shared], state: Mapping[str, Any] | None = None
) -> None:
    """Write the values of shared variables, and a state, as one safetensors file, atomically.

    Args:
        path: of the file; what was there is replaced when the new one is whole.
        held: shared variables by name.
        state: whatever JSON can hold.

    Raises:
        CheckpointUnwritable: the disk is full, or the folder cannot be written; what was at
            ``path`` is still there.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> w = ag.shared(np.arange(3.0), "w")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.safetensors"
    ...     save(path, {"w": w}, {"epoch": 3})
    ...     w.set_value(np.zeros(3))
    ...     load(path, {"w": w}), w.get_value()
    ({'epoch': 3}, array([0., 1., 2.]))
    """
    arrays = {name: variable.get_value(borrow=True) for name, variable in held.items()}
    content = _packed(arrays, json.dumps(dict(state or {})))
    path = Path(path)
    try:
        write_atomically(path, content, durable=True)
    except OSError as error:
        raise _unwritable(path, error, f"  it takes {len(content) / 1e6:,.1f} MB\n") from error


def _unwritable(path: Path, error: OSError, size: str = "") -> CheckpointUnwritable:
    return CheckpointUnwritable(
        f"checkpoint: {path} cannot be written: {error.strerror or error}\n{size}"
        "  Make room, or name another folder; checkpoints that were there still are."
    )


def load(path: PathLike, held: Mapping[str, Shared]) -> dict[str, Any]:
    """Give shared variables the values of a file, and return the state that it holds.

    All of it is checked before the first variable changes.

    Args:
        path: of a file that :func:`save` has written.
        held: shared variables by the names that they were saved under.

    Raises:
        CheckpointCorrupt: the file is not there, cut off, changed, or no checkpoint.
        CheckpointMismatch: names, dtypes or shapes are not those of the variables.
    """
    path = Path(path)
    arrays, state = read(path)
    _give(path, arrays, held)
    return state


def _give(path: Path, arrays: dict[str, Array], held: Mapping[str, Shared]) -> None:
    _check_fit(path, arrays, held)
    for name, variable in held.items():
        variable.set_value(arrays[name])


def read(path: PathLike) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the state of a checkpoint.

    Raises:
        CheckpointCorrupt: the file is not there, cut off, changed, or no checkpoint.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointCorrupt(_spoilt(path, error.strerror or str(error))) from error
    return _unpacked(path, content)


def _packed(arrays: Mapping[str, Array], state: str) -> bytes:
    pack = _safetensors("safetensors.numpy").save
    flat = {name: _storable(array) for name, array in arrays.items()}
    metadata = {"format": "np", _STATE: state, _CHECKSUM: _checksum(flat, state)}
    return pack(flat, metadata)


def _unpacked(path: Path, content: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    unpack = _safetensors("safetensors").deserialize
    try:
        found = unpack(content)
        size = int.from_bytes(content[:8], "little")
        metadata: dict[str, str] = json.loads(content[8 : 8 + size])["__metadata__"]
        text, checksum = metadata[_STATE], metadata[_CHECKSUM]
        arrays = {
            name: np.frombuffer(view["data"], _DTYPES[view["dtype"]]).reshape(view["shape"])
            for name, view in found
        }
        state: dict[str, Any] = json.loads(text)
    except KeyError as error:
        reason = f"it is no checkpoint of agnesi: it lacks {error}"
        raise CheckpointCorrupt(_spoilt(path, reason)) from error
    except Exception as error:  # safetensors has errors of its own
        raise CheckpointCorrupt(_spoilt(path, str(error))) from error
    if _checksum(arrays, text) != checksum:
        raise CheckpointCorrupt(_spoilt(path, "its checksum is not that of its content"))
    return arrays, state


def _safetensors(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise TrainingError(
            'checkpoint: the package safetensors is not installed\n  pip install "agnesi[training]"'
        ) from error


def _spoilt(path: Path, reason: str) -> str:
    return f"checkpoint: {path} cannot be read: {reason}\n  Use one that was written before it."


def _storable(array: Array) -> Array:
    """An array that safetensors can hold, in C order: complex128 as pairs."""
    flat = np.asarray(array, order="C")
    return flat[..., np.newaxis].view(np.float64) if flat.dtype == np.complex128 else flat


def _checksum(arrays: Mapping[str, Array], state: str) -> str:
    digest = hashlib.sha256(state.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.name} {list(array.shape)}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_fit(path: Path, arrays: dict[str, Array], held: Mapping[str, Shared]) -> None:
    """See that arrays are those of the variables; pairs become complex numbers again."""
    wrong = [f"  {name}: not in the file" for name in held if name not in arrays]
    wrong += [f"  {name}: in the file alone" for name in arrays if name not in held]
    for name, variable in held.items():
        if name not in arrays:
            continue
        array, declared = arrays[name], variable.declared
        if declared.dtype.numpy == np.complex128 and array.dtype == np.float64:
            array = arrays[name] = array.view(np.complex128)[..., 0]
        sizes = [s if isinstance(s, int) else None for s in declared.shape]
        fits = (
            array.dtype == declared.dtype.numpy
            and array.ndim == len(sizes)
            and all(s in (None, n) for s, n in zip(sizes, array.shape, strict=True))
        )
        if not fits:
            given = f"{array.dtype.name}{list(array.shape)}"
            wrong.append(f"  {name}: {given} in the file, {declared} in the program")
    if wrong:
        shown = wrong[:10] + [f"  and {len(wrong) - 10} more"] * (len(wrong) > 10)
        raise CheckpointMismatch(
            f"checkpoint: {path} is of another program\n"
            + "\n".join(shown)
            + "\n  Build the same network, with the same names, or begin anew in another folder."
        )


class Stateful(Protocol):
    """What can be gone on with from where it was."""

    def get_state(self) -> Any:
        """Return what :meth:`set_state` takes, which JSON can hold."""
        ...

    def set_state(self, state: Any) -> None:
        """Go on from there."""
        ...


class Found(NamedTuple):
    """A checkpoint that was loaded.

    Attributes:
        path: of the file.
        state: what was saved along with the variables.
        skipped: newer files that are corrupt, each with what is wrong.
    """

    path: Path
    state: dict[str, Any]
    skipped: list[CheckpointCorrupt]


class Checkpoints:
    """A folder with the last few checkpoints of a run, and the best one.

    Attributes:
        folder: where they are: ``step-000001200.safetensors``, ``best.safetensors``.
        keep: how many of the last are kept.
        seconds: a new one is due so long after the last one, or later where writing it would take
            more than a twentieth of the time.
        steps: a new one is due after so many steps; None for no such rule.
        settings: of the run; who goes on from a checkpoint has to have those that it names.
        also: what else has a state that is kept, by name: generators of NumPy, and objects with
            ``get_state`` and ``set_state``.
    """

    def __init__(
        self,
        folder: PathLike,
        *,
        keep: int = 2,
        seconds: float = 10.0,
        steps: int | None = None,
        settings: Mapping[str, Any] | None = None,
        also: Mapping[str, np.random.Generator | Stateful] | None = None,
    ) -> None:
        """Name a folder; it is made when the first checkpoint is written.

        Raises:
            TrainingError: ``keep`` or ``steps`` is less than 1, JSON cannot hold the settings, or
                safetensors is not installed.
        """
        if keep < 1 or (steps is not None and steps < 1):
            raise TrainingError(
                f"Checkpoints: keep is {keep}, steps is {steps}\n  Give integers from 1 on."
            )
        try:
            self.settings: dict[str, Any] = json.loads(json.dumps(dict(settings or {})))
        except (TypeError, ValueError) as error:
            raise TrainingError(
                f"Checkpoints: settings cannot be kept: {error}\n"
                "  Give numbers, texts, lists and dictionaries."
            ) from error
        _safetensors("safetensors")
        self.folder, self.keep, self.seconds, self.steps = Path(folder), keep, seconds, steps
        self.also = dict(also or {})
        self._saved, self._cost, self._step = time.monotonic(), 0.0, 0

    def with_settings(self, **settings: Any) -> Checkpoints:
        """Return the same folder, with more settings that a run that goes on has to have."""
        return Checkpoints(
            self.folder,
            keep=self.keep,
            seconds=self.seconds,
            steps=self.steps,
            settings={**self.settings, **settings},
            also=self.also,
        )

    @property
    def best(self) -> Path:
        """Where the best one is."""
        return self.folder / _BEST

    def paths(self) -> list[Path]:
        """Return the files of the last checkpoints, the newest first."""
        return sorted(self.folder.glob("step-*.safetensors"), reverse=True)

    def check_writable(self) -> None:
        """See that checkpoints can be written.

        Raises:
            CheckpointUnwritable: they cannot.
        """
        try:
            check_writable(self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def is_due(self, step: int) -> bool:
        """Whether it is time for another one."""
        if self.steps is not None and step - self._step >= self.steps:
            return True
        return time.monotonic() - self._saved >= max(self.seconds, _SHARE * self._cost)

    def save(self, held: Mapping[str, Shared], state: Mapping[str, Any], step: int) -> Path:
        """Write a checkpoint, then remove those that are too old.

        Raises:
            CheckpointUnwritable: the one before it is still there.
        """
        path = self.folder / f"step-{step:09d}.safetensors"
        start = time.monotonic()
        save(path, held, self._whole(state))
        for old in self.paths()[self.keep :]:
            old.unlink(missing_ok=True)
        self._saved, self._step = time.monotonic(), step
        self._cost = self._saved - start
        return path

    def save_best(self, held: Mapping[str, Shared], state: Mapping[str, Any]) -> None:
        """Write the best checkpoint in the place of the one that was the best."""
        save(self.best, held, self._whole(state))

    def load(self, held: Mapping[str, Shared]) -> Found | None:
        """Give variables, and what else is kept, the newest whole checkpoint, if there is one.

        Raises:
            CheckpointCorrupt: there are checkpoints, but none is whole.
            CheckpointMismatch: it is of another program, or of a run with other settings.
        """
        if self.folder.is_dir():
            remove_leftovers(self.folder)
        skipped: dict[Path, CheckpointCorrupt] = {}
        for path in self.paths():
            try:
                arrays, whole = read(path)
            except CheckpointCorrupt as error:
                skipped[path] = error
                continue
            self._check_settings(path, whole)
            _give(path, arrays, held)
            _put_aside(skipped)
            return Found(path, self._restored(whole), list(skipped.values()))
        if skipped:
            raise CheckpointCorrupt(
                f"checkpoint: none in {self.folder} is whole\n"
                + "".join(f"  {str(error).splitlines()[0]}\n" for error in skipped.values())
                + "  Remove them to begin anew."
            )
        return None

    def load_best(self, held: Mapping[str, Shared], step: int) -> bool:
        """Give variables the values of the best checkpoint; what else is kept goes on as it is.

        Args:
            held: shared variables by name.
            step: of the best row.

        Returns:
            Whether the file is of that step.  Of a run that was killed it may be of a later one,
            which the last checkpoint does not know of; then nothing changes.

        Raises:
            CheckpointCorrupt: it is not there or not whole.
            CheckpointMismatch: it is of another program.
        """
        arrays, whole = read(self.best)
        if whole["run"]["step"] != step:
            return False
        _give(self.best, arrays, held)
        return True

    def _whole(self, state: Mapping[str, Any]) -> dict[str, Any]:
        also = {name: _state_of(thing) for name, thing in self.also.items()}
        return {"settings": self.settings, "also": also, "run": dict(state)}

    def _restored(self, whole: dict[str, Any]) -> dict[str, Any]:
        for name, thing in self.also.items():
            if isinstance(thing, np.random.Generator):
                thing.bit_generator.state = whole["also"][name]
            else:
                thing.set_state(whole["also"][name])
        return whole["run"]

    def _check_settings(self, path: Path, whole: dict[str, Any]) -> None:
        before, now = whole.get("settings", {}), self.settings
        other = {
            name: (before.get(name), now.get(name)) for name in now if before.get(name) != now[name]
        }
        if other:
            raise CheckpointMismatch(
                f"checkpoint: {path} is of a run with other settings\n"
                + "".join(
                    f"  {name}: {was!r} then, {is_!r} now\n" for name, (was, is_) in other.items()
                )
                + "  Go on with the same, or begin anew in another folder."
            )
        held = sorted(whole.get("also", ()))
        if held != sorted(self.also):
            raise CheckpointMismatch(
                f"checkpoint: {path} has the states of {held} too, the program {sorted(self.also)}"
                "\n  Give the same."
            )


def _put_aside(skipped: Mapping[Path, CheckpointCorrupt]) -> None:
    """Let spoilt files not count among the last few, but keep them to be looked at."""
    for path, error in skipped.items():
        if not isinstance(error.__cause__, OSError):
            with suppress(OSError):
                path.rename(path.with_suffix(".spoilt"))


def _state_of(thing: np.random.Generator | Stateful) -> Any:
    if isinstance(thing, np.random.Generator):
        return _plain(thing.bit_generator.state)
    return thing.get_state()


def _plain(state: Any) -> Any:
    """What JSON can hold: arrays as lists."""
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}  # pyright: ignore
    return state.tolist() if isinstance(state, np.ndarray) else state
