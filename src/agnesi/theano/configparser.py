"""Settings: ``THEANO_FLAGS``, ``.theanorc`` and ``theano.config``.

What settings there are stands in ``configdefaults``; this is how they are read, set and shown.  A
setting that means nothing here says so, in one line, when it is set to something else than it was.
"""

from __future__ import annotations

import configparser
import functools
import hashlib
import os
import sys
import warnings
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class TheanoConfigWarning(Warning):
    """Something about settings."""

    @classmethod
    def warn(cls, message: str, stacklevel: int = 0) -> None:
        """Warn where a program does something with settings."""
        warnings.warn(message, cls, stacklevel=stacklevel + 3)


THEANO_FLAGS = os.environ.get("THEANO_FLAGS", "")


def parse_config_string(config_string: str, issue_warnings: bool = True) -> dict[str, str]:
    """Return the settings in ``"key=value,key=value"``; the last of several wins."""
    found: dict[str, str] = {}
    for part in config_string.split(","):
        name, given, value = (text.strip() for text in part.partition("="))
        if given:
            found[name] = value.strip("\"'")
        elif name and issue_warnings:
            TheanoConfigWarning.warn(f"Config key '{name}' has no value, ignoring it", stacklevel=1)
    return found


THEANO_FLAGS_DICT = parse_config_string(THEANO_FLAGS)


def config_files_from_theanorc() -> list[str]:
    """Return the files of settings: those of ``THEANORC``, or ``~/.theanorc``."""
    named = os.environ.get("THEANORC", "~/.theanorc")
    return [str(Path(name).expanduser()) for name in named.split(os.pathsep) if name]


config_files = config_files_from_theanorc()


def _read(interpolates: bool) -> Any:
    parser: Any = (
        configparser.ConfigParser(
            {
                "USER": os.environ.get("USER", Path.home().name),
                **{
                    name: os.environ.get(name, "") for name in ("LSCRATCH", "TMPDIR", "TEMP", "TMP")
                },
                "PID": str(os.getpid()),
            }
        )
        if interpolates
        else configparser.RawConfigParser()
    )
    parser.read(config_files)
    return parser


theano_cfg, theano_raw_cfg = _read(interpolates=True), _read(interpolates=False)


def fetch_val_for_key(key: str, delete_key: bool = False) -> str:
    """Return what flags, or else files, say about a setting.

    Raises:
        KeyError: nothing.
    """
    if key in THEANO_FLAGS_DICT:
        return THEANO_FLAGS_DICT.pop(key) if delete_key else THEANO_FLAGS_DICT[key]
    section, _, option = key.rpartition(".")
    try:
        try:
            return theano_cfg.get(section or "global", option)
        except configparser.InterpolationError:
            return theano_raw_cfg.get(section or "global", option)
    except (configparser.NoOptionError, configparser.NoSectionError):
        raise KeyError(key) from None


_said: set[str] = set()


def say_once(name: str, why: str) -> None:
    """Warn that something means nothing here, the first time that it is asked for."""
    if name not in _said:
        _said.add(name)
        place = 1
        frame = sys._getframe(1)
        while frame is not None and "agnesi.theano" in frame.f_globals.get("__name__", ""):
            frame, place = frame.f_back, place + 1
        warnings.warn(f"{name} means nothing to agnesi: {why}", TheanoConfigWarning, place + 1)


# -- settings --------------------------------------------------------------------------------------

_config_var_list: list[ConfigParam] = []


class ConfigParam:
    """A setting, as an attribute of ``config``.

    Attributes:
        default: a value, or a function that gives it.
        filter: makes a value of what is given, or raises ValueError.
        allow_override: whether it may be set after it has been read.
        fullname: with its sections.
        doc: what it does.
        why_not: why it does nothing here; empty where it does something.
        is_default: whether nobody has said otherwise.
    """

    fullname = ""
    doc = ""
    why_not = ""
    in_c_key = True

    def __init__(
        self, default: Any, filter: Callable[[Any], Any] | None = None, allow_override: bool = True
    ) -> None:
        self.default, self.filter, self.allow_override = default, filter, allow_override
        self.is_default = True

    def __get__(self, cls: Any, type_: Any, delete_key: bool = False) -> Any:
        if cls is None:
            return self
        try:
            return self.val
        except AttributeError:
            self._first_read(delete_key)
            return self.val

    def _first_read(self, delete_key: bool) -> None:
        try:
            said: Any = fetch_val_for_key(self.fullname, delete_key)
        except KeyError:
            self._store(self.default() if callable(self.default) else self.default)
            self.first = self.val
            return
        self.is_default = False
        self._store(said)
        self.first = self._filtered(self.default() if callable(self.default) else self.default)
        self._complain("THEANO_FLAGS or .theanorc: ")

    def __set__(self, cls: Any, val: Any) -> None:
        self.__get__(True, None)
        if not self.allow_override:
            raise Exception(
                f"Can't change the value of {self.fullname or 'this config parameter'} after "
                "initialization!"
            )
        self._store(val)
        self._complain("")

    def _filtered(self, val: Any) -> Any:
        try:
            return self.filter(val) if self.filter else val
        except ValueError:
            return val

    def _store(self, val: Any) -> None:
        self.val = self.filter(val) if self.filter else val

    def _complain(self, where: str) -> None:
        """Say, once, that it does nothing."""
        if self.why_not and self.val != self.first:
            say_once(f"{where}{self.fullname}={self.val!r}", self.why_not)
            self.why_not = ""

    def __str__(self) -> str:
        return f"{self.fullname} ({type(self).__name__}) "


class EnumStr(ConfigParam):
    """One of several texts, of which the first is the default.

    Attributes:
        all: the texts.
    """

    def __init__(self, default: str, *options: str, **kwargs: Any) -> None:
        self.all = (default, *options)
        given: tuple[Any, ...] = self.all
        for value in given:
            if not isinstance(value, str):
                raise ValueError("Valid values for an EnumStr parameter are strings", value)
        self.convert = kwargs.get("convert")
        super().__init__(default, self._one_of, kwargs.get("allow_override", True))

    def _one_of(self, val: Any) -> str:
        if self.convert:
            val = self.convert(val)
        if val in self.all:
            return val
        raise ValueError(
            f'Invalid value ("{val}") for configuration variable "{self.fullname}". Valid options '
            f"are {self.all}"
        )

    def __str__(self) -> str:
        return f"{self.fullname} ({self.all}) "


class TypedParam(ConfigParam):
    """A value of some type.

    Attributes:
        mytype: makes it of what is given.
    """

    def __init__(
        self,
        default: Any,
        mytype: Callable[[Any], Any],
        is_valid: Callable[[Any], bool] | None = None,
        allow_override: bool = True,
    ) -> None:
        self.mytype, self.is_valid = mytype, is_valid
        super().__init__(default, self._typed, allow_override)

    def _typed(self, val: Any) -> Any:
        made = self.mytype(val)
        if callable(self.is_valid) and not self.is_valid(made):
            raise ValueError(
                f'Invalid value ({val}) for configuration variable "{self.fullname}".', val
            )
        return made

    def __str__(self) -> str:
        return f"{self.fullname} ({self.mytype}) "


def StrParam(default: Any, is_valid: Any = None, allow_override: bool = True) -> TypedParam:
    """Return a setting that is a text."""
    return TypedParam(default, str, is_valid, allow_override)


def IntParam(default: Any, is_valid: Any = None, allow_override: bool = True) -> TypedParam:
    """Return a setting that is an integer."""
    return TypedParam(default, int, is_valid, allow_override)


def FloatParam(default: Any, is_valid: Any = None, allow_override: bool = True) -> TypedParam:
    """Return a setting that is a number."""
    return TypedParam(default, float, is_valid, allow_override)


def booltype(s: Any) -> bool | None:
    """Return a bool of a text, a number or a bool; None for what is neither true nor false."""
    if s in ("False", "false", "0", False):
        return False
    return True if s in ("True", "true", "1", True) else None


def BoolParam(default: Any, is_valid: Any = None, allow_override: bool = True) -> TypedParam:
    """Return a setting that is true or false."""
    valid = is_valid or (lambda s: s is not None)
    return TypedParam(default, booltype, valid, allow_override)


class _Section:
    """Settings with a dot in their names; each section has a class of its own."""

    _i_am_a_config_class = True

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...


class TheanoConfigParser(_Section):
    """What ``theano.config`` is: settings as attributes.

    As in Theano, a name that is no setting may be set in silence, and read back.
    """

    def __str__(self, print_doc: bool = True) -> str:
        out = StringIO()
        _config_print(self, out, print_doc)
        return out.getvalue()

    def change_flags(self, *args: Any, **flags: Any) -> change_flags:
        """Return a context, and decorator, in which settings are others."""
        return change_flags(*args, **flags)


config = TheanoConfigParser()


def _config_print(thing: Any, buf: Any, print_doc: bool = True) -> None:
    del thing
    for each in _config_var_list:
        print(each, file=buf)
        if print_doc:
            print("    Doc: ", each.doc, file=buf)
        print("    Value: ", each.__get__(True, None), file=buf)
        print(file=buf)


def get_config_hash() -> str:
    """Return a text that differs where settings that change code do."""
    keys = sorted((c for c in _config_var_list if c.in_c_key), key=lambda c: c.fullname)
    text = "\n".join(f"{c.fullname} = {c.__get__(True, None)}" for c in keys)
    return hashlib.sha256(text.encode()).hexdigest()


def AddConfigVar(
    name: str, doc: str, configparam: Any, root: Any = config, in_c_key: bool = True
) -> None:
    """Add a setting to ``theano.config``.

    Args:
        name: with sections, ``"section.option"``.
        doc: what it does.
        configparam: a :class:`ConfigParam`.
        root: where its name begins.
        in_c_key: whether it is part of ``get_config_hash``.

    Raises:
        AttributeError: the name is taken.
    """
    *sections, last = name.split(".")
    place = root
    for section in sections:
        if not hasattr(place, section):
            setattr(type(place), section, type("SubObj", (_Section,), {})())
        place = getattr(place, section)
        if not getattr(place, "_i_am_a_config_class", False) or isinstance(place, type):
            raise TypeError("Internal config nodes must be config class instances", place)
    configparam.fullname = name
    if hasattr(place, last):
        raise AttributeError("This name is already taken", name)
    configparam.doc, configparam.in_c_key = doc, in_c_key
    # What somebody has said is read now, so that nonsense is told at once.
    if not callable(configparam.default) or name in THEANO_FLAGS_DICT:
        configparam.__get__(place, type(place), delete_key=True)
    setattr(type(place), last, configparam)
    _config_var_list.append(configparam)


class change_flags:
    """A context, and decorator, in which settings are others: ``with change_flags(floatX=...)``."""

    def __init__(self, args: Any = (), **kwargs: Any) -> None:
        self.new_vals = {**dict(args), **kwargs}
        known = {each.fullname: each for each in _config_var_list}
        for name in self.new_vals:
            if name not in known:
                raise AssertionError(f"theano.config has no setting {name!r}")
        self.confs = {name: known[name] for name in self.new_vals}
        self.old_vals: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self.old_vals.append({n: each.__get__(True, None) for n, each in self.confs.items()})
        try:
            for name, each in self.confs.items():
                each.__set__(None, self.new_vals[name])
        except Exception:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        for name, value in self.old_vals.pop().items():
            self.confs[name].val = value

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, running with the settings."""

        @functools.wraps(f)
        def changed(*args: Any, **named: Any) -> Any:
            with self:
                return f(*args, **named)

        return changed
