"""What to do about errors of programs that were written for older Pythons and NumPys."""

from __future__ import annotations

import re

from agnesi.theano.missing import without

_NUMPY = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "object": "object",
    "str": "str",
    "long": "int",
    "unicode": "str",
    "complex": "complex",
    "float_": "np.float64",
    "complex_": "np.complex128",
    "string_": "np.bytes_",
    "unicode_": "np.str_",
    "Inf": "np.inf",
    "Infinity": "np.inf",
    "infty": "np.inf",
    "PINF": "np.inf",
    "NINF": "-np.inf",
    "NaN": "np.nan",
    "NAN": "np.nan",
    "product": "np.prod",
    "cumproduct": "np.cumprod",
    "alltrue": "np.all",
    "sometrue": "np.any",
    "round_": "np.round",
    "in1d": "np.isin",
    "row_stack": "np.vstack",
    "trapz": "np.trapezoid",
    "msort": "np.sort(a, axis=0)",
    "rank": "np.ndim",
    "alen": "len",
    "asscalar": "a.item()",
    "asfarray": "np.asarray(a, dtype=float)",
    "cast": "np.asarray(a, dtype)",
    "typeDict": "np.sctypeDict",
    "sctypes": "the dtypes themselves",
    "sctype2char": "np.dtype(t).char",
    "obj2sctype": "np.dtype(t).type",
    "issubsctype": "np.issubdtype",
    "issubclass_": "issubclass",
    "find_common_type": "np.promote_types or np.result_type",
    "mat": "np.asmatrix",
    "safe_eval": "ast.literal_eval",
}
_MODULES = {
    "cPickle": "pickle",
    "cStringIO": "io",
    "StringIO": "io",
    "ConfigParser": "configparser",
    "Queue": "queue",
    "__builtin__": "builtins",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
    "copy_reg": "copyreg",
    "commands": "subprocess",
    "sets": "set and frozenset",
    "Tkinter": "tkinter",
    "exceptions": "builtins",
}
_NAMES = {
    "xrange": "range",
    "raw_input": "input",
    "unicode": "str",
    "basestring": "str",
    "long": "int",
    "unichr": "chr",
    "reduce": "functools.reduce",
    "reload": "importlib.reload",
    "execfile": "exec(open(name).read())",
    "file": "open",
    "buffer": "memoryview",
    "cmp": "(a > b) - (a < b)",
    "izip": "zip",
}
_MOVED = {
    "itertools.izip": "zip",
    "itertools.imap": "map",
    "itertools.ifilter": "filter",
    "itertools.izip_longest": "itertools.zip_longest",
    "time.clock": "time.perf_counter",
    "inspect.getargspec": "inspect.getfullargspec",
    "fractions.gcd": "math.gcd",
    "string.letters": "string.ascii_letters",
    "string.lowercase": "string.ascii_lowercase",
    "string.uppercase": "string.ascii_uppercase",
    "string.maketrans": "str.maketrans",
    "os.getcwdu": "os.getcwd",
    "sys.maxint": "sys.maxsize",
    "urllib.urlopen": "urllib.request.urlopen",
    "urllib.urlretrieve": "urllib.request.urlretrieve",
    "urllib.urlencode": "urllib.parse.urlencode",
    "urllib.quote": "urllib.parse.quote",
    "collections.Iterable": "collections.abc.Iterable",
    "collections.Callable": "collections.abc.Callable",
    "collections.Mapping": "collections.abc.Mapping",
    "collections.MutableMapping": "collections.abc.MutableMapping",
    "collections.Sequence": "collections.abc.Sequence",
    "scipy.misc.logsumexp": "scipy.special.logsumexp",
    "scipy.misc.comb": "scipy.special.comb",
    "scipy.misc.factorial": "scipy.special.factorial",
    "scipy.misc.imread": "imageio.imread",
    "scipy.misc.imsave": "imageio.imwrite",
    "scipy.misc.imresize": "PIL.Image.resize",
}
_METHODS = {
    "iteritems": "items()",
    "itervalues": "values()",
    "iterkeys": "keys()",
    "has_key": "`key in`",
    "next": "next(iterator)",
    "func_name": "__name__",
    "func_code": "__code__",
    "func_defaults": "__defaults__",
    "im_func": "__func__",
    "im_self": "__self__",
    "tostring": "tobytes()",
    "itemset": "a[index] = value",
    "newbyteorder": "a.view(a.dtype.newbyteorder())",
}
_LAZY = r"(?:map|zip|filter|range|dict_keys|dict_values|dict_items)"
# A pattern that the text of an error has, and what is said of it.
_TEXTS = (
    (
        r"Missing parentheses in call to|multiple exception types must be parenthesized"
        r"|leading zeros in decimal integer|inconsistent use of tabs",
        "the program is written for Python 2; a tool such as 2to3 or modernize translates it",
    ),
    (
        r"'(?:numpy\.)?float\d*' object cannot be interpreted as an integer"
        r"|slice indices must be integers|can't multiply sequence by non-int of type 'float'"
        r"|list indices must be integers or slices, not float",
        "in Python 3 `/` of two integers is a float; write `//` for a count or an index",
    ),
    (
        rf"'{_LAZY}' object is not subscriptable|object of type '{_LAZY}' has no len"
        rf"|unsupported operand type.*'{_LAZY}'|'{_LAZY}' object does not support item"
        rf"|'{_LAZY}' object has no attribute",
        "in Python 3 map, zip, filter, range and dict.keys() are no lists; write list(...)",
    ),
    (
        r"'ascii' codec can't decode byte",
        'a pickle of Python 2 is read with pickle.load(file, encoding="latin1")',
    ),
    (
        r"a bytes-like object is required, not 'str'|'utf-8' codec can't decode byte",
        'files of bytes (pickles, gzip) are opened with mode "rb"; Python 2 did not mind',
    ),
    (
        r"write\(\) argument must be str, not bytes",
        'files of bytes (pickles, gzip) are opened with mode "wb"; Python 2 did not mind',
    ),
    (
        r"Object arrays cannot be loaded when allow_pickle=False",
        "write np.load(file, allow_pickle=True) for a file that you trust",
    ),
    (
        r"requested array has an inhomogeneous shape",
        "rows that differ in length need np.array(rows, dtype=object)",
    ),
    (
        r"Unable to avoid copy while creating an array",
        "np.array(a, copy=False) is np.asarray(a) in NumPy 2",
    ),
    (
        r"'[<>]' not supported between instances of '(?:NoneType|str|int|float)'"
        r" and '(?:NoneType|str|int|float)'",
        "Python 3 does not order None, numbers and texts among each other",
    ),
)


def hint_for(error: BaseException) -> str:
    """Return what to do about an error of an old program; an empty text where that is not known."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        said = _said_of(at)
        if said:
            return said if said.startswith("theano.") else f"agnesi.theano: {said}"
        at = at.__cause__ or at.__context__
    return ""


def _said_of(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, AttributeError):
        return _of_attribute(text) or _of_text(text)
    if isinstance(error, ImportError):
        return _of_import(text)
    if isinstance(error, NameError):
        found = re.search(r"name '(\w+)' is not defined", text)
        new = _NAMES.get(found[1]) if found else None
        return f"Python 3 has no {found[1]}; write {new} instead" if found and new else ""
    if isinstance(error, TypeError | ValueError | SyntaxError):
        return _of_text(text)
    return ""


def _of_attribute(text: str) -> str:
    found = re.search(r"module '([\w.]+)' has no attribute '(\w+)'", text) or re.search(
        r"`(np)\.(\w+)` was removed", text
    )
    if found:
        return _of_name(found[1], found[2])
    found = re.search(r"has no attribute '(\w+)'", text)
    new = _METHODS.get(found[1]) if found else None
    if found and new and not re.search(rf"'{_LAZY}' object", text):
        return f".{found[1]} is there no longer; use {new} instead"
    return ""


def _of_import(text: str) -> str:
    found = re.search(r"cannot import name '(\w+)' from '([\w.]+)'", text)
    if found:
        return _of_name(found[2], found[1])
    found = re.search(r"No module named '(theano\.[\w.]+)'", text)
    if found:
        return without(found[1])
    found = re.search(r"No module named '(\w+)'", text)
    new = _MODULES.get(found[1]) if found else None
    return f"Python 3 has no module {found[1]}; use {new} instead" if found and new else ""


def _of_name(module: str, name: str) -> str:
    if module in ("np", "numpy"):
        new = _NUMPY.get(name)
        return (
            f"the program uses numpy.{name}, which NumPy has no longer; write {new} instead"
            if new
            else ""
        )
    new = _MOVED.get(f"{module}.{name}")
    return f"{module}.{name} is there no longer; use {new} instead" if new else ""


def _of_text(text: str) -> str:
    return next((said for pattern, said in _TEXTS if re.search(pattern, text)), "")
