"""Settings: read, set, shown; and those that mean nothing say so."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano import configparser as c
from agnesi.theano.configdefaults import _SETTINGS
from agnesi.theano.configparser import (
    AddConfigVar,
    BoolParam,
    ConfigParam,
    EnumStr,
    FloatParam,
    IntParam,
    StrParam,
    TheanoConfigWarning,
    change_flags,
    config,
)


def ran(code, flags="", rc=None):
    """Run code in a process of its own; return what it prints and what it complains of."""
    environment = {**os.environ, "THEANO_FLAGS": flags, "THEANORC": str(rc or "")}
    done = subprocess.run(
        [sys.executable, "-c", f"import agnesi.theano as theano\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout.strip(), done.stderr


def test_flags_and_files(tmp_path):
    rc = tmp_path / "theanorc"
    rc.write_text("[global]\nfloatX = float32\nmode=FAST_COMPILE\n[NanGuardMode]\naction = warn\n")
    show = "print(theano.config.floatX, theano.config.mode, theano.config.NanGuardMode.action)"
    assert ran(show, rc=rc) == ("float32 FAST_COMPILE warn", "")
    assert ran(show, "floatX=float16", rc)[0] == "float16 FAST_COMPILE warn"
    assert ran(show, "floatX=float16,floatX=float64")[0] == "float64 Mode raise"


def test_what_flags_say_wrong():
    _, said = ran("", "device=gpu0,foo=3,cxx=g++,x")
    assert "device=gpu0 is not there" in said
    assert "does not recognise this flag: foo" in said
    assert "cxx='g++' means nothing to agnesi: there is no C compiler" in said
    assert "'x' has no value" in said
    assert "Valid options are" in ran("", "floatX=float31")[1]
    assert "force_device" in ran("", "device=gpu,force_device=True")[1]
    # What is as it was needs no words.
    assert ran("", "device=cpu,linker=cvm,openmp=True,allow_gc=True")[1] == ""


def test_numpy_complains_as_settings_want():
    code = "import numpy as np; print(np.geterr())"
    assert "'divide': 'ignore'" in ran(code)[0]
    found = ran(code, "numpy.seterr_all=None,numpy.seterr_divide=raise")[0]
    assert "'divide': 'raise'" in found
    assert "'over': 'warn'" in found


def another(param):
    """Return a value of a setting that is not the one it has."""
    now = param.__get__(True, None)
    if isinstance(param, EnumStr):
        return next(v for v in param.all if v != now)
    if isinstance(now, bool):
        return not now
    return now + 1 if isinstance(now, int | float) else "other"


ALL = {each.fullname: each for each in c._config_var_list if each.fullname[0] != "_"}
SILENT = [name for name, param, _, why in _SETTINGS if why and param.allow_override]


@pytest.mark.parametrize("name", SILENT)
def test_a_setting_that_means_nothing_says_so_once(name, monkeypatch):
    param = ALL[name]
    old, why = param.__get__(True, None), next(w for n, *_, w in _SETTINGS if n == name)
    monkeypatch.setattr(param, "why_not", why)
    monkeypatch.setattr(c, "_said", set())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        param.__set__(None, old)
    with pytest.warns(TheanoConfigWarning, match="means nothing to agnesi") as caught:
        param.__set__(None, another(param))
        param.__set__(None, old)
        param.__set__(None, another(param))
    assert len(caught) == 1
    assert name in str(caught[0].message)
    assert caught[0].filename == __file__
    param.val = old


def test_there_are_those_of_theano():
    # Theano 1.0.5 without a GPU has 139, but for those of cuDNN's old names.
    assert len(_SETTINGS) >= 140
    assert len({n for n, *_ in _SETTINGS}) == len(_SETTINGS)
    assert config.unittests.rseed == "666"
    assert config.compiledir
    text = str(config)
    assert "floatX (('float64', 'float32', 'float16')) \n    Doc:  dtype" in text
    assert "Doc" not in config.__str__(print_doc=False)


def test_values_are_checked_and_converted():
    for name, bad in (("floatX", "float31"), ("mode", "FASTEST"), ("profiling.n_ops", -1)):
        with pytest.raises(ValueError, match=r"alid|one of"), change_flags({name: bad}):
            pass
    with change_flags({"profiling.n_ops": "7", "profile_memory": "true"}):
        assert (config.profiling.n_ops, config.profile_memory) == (7, True)
    with change_flags(mode=theano.compile.FAST_COMPILE):
        assert config.mode is theano.compile.FAST_COMPILE
    with pytest.raises(Exception, match="after initialization"):
        config.device = "gpu"
    with pytest.raises(ValueError, match="Invalid value"):
        BoolParam(True).filter("perhaps")


def test_names_that_are_no_settings():
    config.something = 3
    assert config.something == 3
    del config.__dict__["something"]
    with pytest.raises(AttributeError):
        _ = config.nothing
    with pytest.raises(AssertionError, match="no setting"):
        change_flags(nothing=1)


def test_settings_for_a_while():
    @change_flags(floatX="float32")
    def inside():
        return T.scalar().dtype

    assert (inside(), T.scalar().dtype) == ("float32", "float64")
    with pytest.raises(ZeroDivisionError), change_flags(floatX="float32"):
        raise ZeroDivisionError
    with change_flags([("floatX", "float16")]):
        with change_flags(floatX="float32"):
            assert config.floatX == "float32"
        assert config.floatX == "float16"
    with pytest.raises(ValueError, match="one of"), change_flags(floatX="float32", mode="no"):
        pass
    assert config.floatX == "float64"


def test_settings_of_a_program(monkeypatch):
    monkeypatch.setattr(c, "_config_var_list", list(c._config_var_list))
    monkeypatch.setitem(c.THEANO_FLAGS_DICT, "_test.said", "5")
    AddConfigVar("_test.said", "a number", IntParam(3), in_c_key=False)
    AddConfigVar("_test.sub.text", "a text", StrParam("a"))
    AddConfigVar("_test.part", "a number", FloatParam(lambda: 0.5, lambda x: x < 1))
    assert (config._test.said, config._test.sub.text, config._test.part) == (5, "a", 0.5)
    assert "_test.said" not in c.THEANO_FLAGS_DICT
    config._test.part = "0.25"
    assert config._test.part == 0.25
    with pytest.raises(ValueError, match="Invalid"):
        config._test.part = 2
    with pytest.raises(AttributeError, match="taken"):
        AddConfigVar("_test.said", "again", IntParam(3))

    def fails(value):
        raise ValueError(value)

    with pytest.raises(ValueError, match="no"):
        AddConfigVar("_test.bad", "nothing", ConfigParam("no", fails))
    before = c.get_config_hash()
    config._test.sub.text = "b"
    assert c.get_config_hash() != before


def test_flags_as_text():
    assert c.parse_config_string("a=1, b.c = 2,a=3,,d='x y'") == {
        "a": "3",
        "b.c": "2",
        "d": "x y",
    }
    with pytest.warns(TheanoConfigWarning, match="no value"):
        c.parse_config_string("a")


def test_how_near_is_equal():
    code = (
        "import numpy as np\n"
        "kind = theano.tensor.fvector\n"
        "print([kind.values_eq_approx(np.float32([1]), np.float32([1 + d])) for d in (2e-4, 1e-6)])"
    )
    assert ran(code)[0] == "[False, True]"
    assert ran(code, "tensor.cmp_sloppy=1")[0] == "[True, True]"
    kind = T.dvector
    nan, inf, one = np.array([np.nan, 1]), np.array([np.inf, 1]), np.array([5.0, 1])
    assert kind.values_eq_approx(nan, nan)
    assert not kind.values_eq_approx(nan, one)
    assert kind.values_eq_approx(nan, one, allow_remove_nan=True)
    assert kind.values_eq_approx(inf, one, allow_remove_inf=True)
    assert not kind.values_eq_approx(one, one.astype("float32"))


def test_types_may_refuse_what_is_not_finite(monkeypatch):
    assert np.isnan(T.dvector.filter([np.nan])).all()
    monkeypatch.setattr(T.TensorType, "filter_checks_isfinite", True)
    with pytest.raises(ValueError, match="non-finite"):
        T.dvector.filter([np.nan])


def test_arguments_that_mean_nothing_say_so_once(monkeypatch):
    monkeypatch.setattr(c, "_said", set())
    x = T.dvector("x")
    cases = {
        "scan(mode=)": {"mode": "FAST_RUN"},
        "scan(profile=)": {"profile": True},
        "scan(allow_gc=)": {"allow_gc": False},
    }
    for name, named in cases.items():
        with pytest.warns(TheanoConfigWarning, match="means nothing") as caught:
            theano.scan(lambda row: row * 2, x, **named)
            theano.scan(lambda row: row * 2, x, **named)
        assert [str(w.message).startswith(name) for w in caught] == [True]
    with pytest.warns(TheanoConfigWarning, match="one way") as caught:
        theano.Mode(linker="py")
        theano.Mode(linker="py")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theano.Mode(linker="cvm", optimizer="fast_run").including("fusion")
        theano.compile.get_mode("Mode")
