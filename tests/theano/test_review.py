"""What an old program meets besides numbers: hints, refusals, how it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.hints import hint_for

if TYPE_CHECKING:
    from pathlib import Path


def ran(path: Path, source: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a program in which Theano is agnesi."""
    (path / "program.py").write_text(source)
    started = args or ("program.py",)
    return subprocess.run(
        [sys.executable, "-m", "agnesi.theano", *started],
        cwd=path,
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ),
        check=False,
    )


SAYINGS = [
    ("import numpy as np; np.float", "write float instead"),
    ("import numpy as np; np.float_", "write np.float64 instead"),
    ("import numpy as np; np.bool", ""),
    ("import numpy as np; np.product([1])", "write np.prod instead"),
    ("import numpy as np; np.asscalar(1)", "write a.item() instead"),
    ("import numpy as np; np.cast['int32'](1)", "write np.asarray(a, dtype) instead"),
    ("import numpy as np; np.string_", "write np.bytes_ instead"),
    ("from numpy import product", "write np.prod instead"),
    ("import cPickle", "use pickle instead"),
    ("from itertools import izip", "use zip instead"),
    ("xrange(3)", "write range instead"),
    ("{}.iteritems()", "use items() instead"),
    ("print 3", "written for Python 2"),
    ("range(10 / 2)", "write `//`"),
    ("[1, 2][2 / 2:]", "write `//`"),
    ("map(len, [])[0]", "write list(...)"),
    ("{}.keys().sort()", "write list(...)"),
    ("b'\\xff'.decode('ascii')", 'encoding="latin1"'),
    ("import numpy as np; np.array([[1], [1, 2]])", "dtype=object"),
    ("None < 3", "does not order"),
    ("raise ImportError(\"No module named 'theano.gof.vm'\")", "no linkers"),
    ("1 / 0", ""),
    ("undefined_name", ""),
    ("import no_such_module", ""),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "said"), SAYINGS)
def test_errors_of_old_programs_say_what_to_write(source: str, said: str) -> None:
    try:
        exec(compile(source, "program.py", "exec"), {})
    except Exception as error:
        text = hint_for(error)
        assert said in text
        assert bool(said) == bool(text)
    else:
        assert not said


def test_a_hint_comes_for_an_error_in_an_imported_module(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("import numpy\ndtype = numpy.float\n")
    done = ran(tmp_path, "import theano\nimport old\n")
    assert done.returncode == 1
    assert "numpy.float, which NumPy has no longer; write float instead" in done.stderr


def test_a_float_is_refused_where_it_would_be_rounded() -> None:
    x = T.fscalar("x")
    for options in ({}, {"allow_input_downcast": False}):
        f = theano.function([x], x * 2, **options)
        with pytest.raises(TypeError, match="accurately"):
            f(0.1)
        assert f(0.5) == 1
        assert f(3) == 6
    assert theano.function([x], x, allow_input_downcast=True)(0.1) == np.float32(0.1)


def test_a_negative_power_of_a_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        T.nlinalg.matrix_power(T.dmatrix(), -1)


def test_steps_past_the_end_of_a_sequence_are_an_error() -> None:
    x, n = T.dvector("x"), T.iscalar("n")
    steps = [lambda a: a, lambda a: a * 2, lambda a: T.exp(a) * n]
    for step in steps:
        for count in (7, n):
            rows, _ = theano.scan(step, x, n_steps=count)
            for result in (rows, rows.sum(), T.grad((rows**2).sum(), x)):
                f = theano.function([x, n], result, on_unused_input="ignore")
                with pytest.raises(ValueError, match="5"):
                    f(np.arange(5.0), 7)
                assert np.isfinite(f(np.arange(8.0) / 8, 7)).all()


def test_a_loop_with_products_does_not_read_past_its_rows() -> None:
    x, w = T.dmatrix("x"), T.dmatrix("w")
    states, _ = theano.scan(
        lambda row, h, w: T.tanh(T.dot(row, w) + h), x, T.zeros(2), non_sequences=w, n_steps=7
    )
    for result in (states, T.grad(states.sum(), w)):
        f = theano.function([x, w], result)
        with pytest.raises(ValueError, match="5"):
            f(np.ones((5, 3)), np.ones((3, 2)))
        f(np.ones((8, 3)), np.ones((3, 2)))


def test_old_paths_are_there(tmp_path: Path) -> None:
    source = """
import theano
from theano.updates import OrderedUpdates
from theano.misc.safe_asarray import _asarray
from theano.raise_op import Raise
assert OrderedUpdates is theano.OrderedUpdates
assert _asarray(1, "floatX").dtype == theano.config.floatX
f = theano.function([], Raise("no", KeyError)(theano.tensor.ones((2,))))
try:
    f()
except KeyError as error:
    assert "no" in str(error)
else:
    raise AssertionError
"""
    done = ran(tmp_path, source)
    assert done.returncode == 0, done.stderr


# theano.shared(numpy.arange(4.0).reshape(2, 2), "W"), pickled by Theano 1.0.5 with protocol 2.
OF_THEANO = (
    "gAJjdGhlYW5vLnRlbnNvci5zaGFyZWR2YXIKVGVuc29yU2hhcmVkVmFyaWFibGUKcQApgXEBfXECKFgDAAAA"
    "dGFncQNjdGhlYW5vLmdvZi51dGlscwpzY3JhdGNocGFkCnEEKYFxBVgEAAAAdHlwZXEGY3RoZWFuby50ZW5z"
    "b3IudHlwZQpUZW5zb3JUeXBlCnEHKYFxCH1xCShYBQAAAGR0eXBlcQpYBwAAAGZsb2F0NjRxC1gNAAAAYnJv"
    "YWRjYXN0YWJsZXEMiYmGcQ1YBAAAAG5hbWVxDk5YCwAAAG51bXB5X2R0eXBlcQ9jbnVtcHkKZHR5cGUKcRBY"
    "AgAAAGY4cRGJiIdxElJxEyhLA1gBAAAAPHEUTk5OSv////9K/////0sAdHEVYlgLAAAAc3BhcnNlX2dyYWRx"
    "Fol1YlgFAAAAb3duZXJxF05YBQAAAGluZGV4cRhOaA5YAQAAAFdxGVgJAAAAYXV0b19uYW1lcRpYBgAAAGF1"
    "dG9fM3EbWAkAAABjb250YWluZXJxHGN0aGVhbm8uZ29mLmxpbmsKQ29udGFpbmVyCnEdKYFxHn1xHyhoBmgI"
    "aA5oGVgHAAAAc3RvcmFnZXEgXXEhY251bXB5LmNvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcSJjbnVt"
    "cHkKbmRhcnJheQpxI0sAhXEkY19jb2RlY3MKZW5jb2RlCnElWAEAAABicSZYBgAAAGxhdGluMXEnhnEoUnEp"
    "h3EqUnErKEsBSwJLAoZxLGgTiWglWCEAAAAAAAAAAAAAAAAAAAAAAMOwPwAAAAAAAABAAAAAAAAACEBxLWgn"
    "hnEuUnEvdHEwYmFYCAAAAHJlYWRvbmx5cTGJWAYAAABzdHJpY3RxMolYDgAAAGFsbG93X2Rvd25jYXN0cTNO"
    "dWJ1Yi4="
)


def test_a_shared_variable_that_theano_has_pickled_is_read(tmp_path: Path) -> None:
    source = f"""
import base64, pickle
import numpy as np
import theano
w = pickle.loads(base64.b64decode("{OF_THEANO}"), encoding="latin1")
assert w.name == "W" and w.dtype == "float64" and isinstance(w, theano.compile.SharedVariable)
assert (w.get_value() == np.arange(4.0).reshape(2, 2)).all()
f = theano.function([], w.sum(), updates=[(w, w * 2)])
assert [float(f()), float(f())] == [6, 12]
assert (pickle.loads(pickle.dumps(w)).get_value() == w.get_value()).all()
"""
    done = ran(tmp_path, source)
    assert done.returncode == 0, done.stderr


def test_a_program_that_asks_for_a_gpu_sees_that_it_has_none(tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("[global]\ndevice = gpu0\n")
    (tmp_path / "program.py").write_text("import theano\nprint(theano.config.device)\n")
    done = subprocess.run(
        [sys.executable, "-m", "agnesi.theano", "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "THEANORC": str(tmp_path / "rc")},
        check=False,
    )
    assert done.stdout.strip() == "cpu"
    assert "device=gpu0 is not there" in done.stderr


def test_a_state_that_changes_its_dtype_is_refused() -> None:
    x = T.dvector("x")
    with pytest.raises(ValueError, match="dtype"):
        theano.scan(lambda a, b: T.cast(a + b, "float32"), x, x[0])
    with pytest.raises(ValueError, match="dtype"):
        theano.scan(
            lambda b: T.cast(b, "int8"), outputs_info=T.constant(0, dtype="int64"), n_steps=3
        )
