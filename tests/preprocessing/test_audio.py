"""Features of sound: against librosa, whose results tools/make_audio_references.py wrote down."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnesi.preprocessing import PreprocessingError
from agnesi.preprocessing.audio import (
    deltas,
    frames,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
    mfcc,
    power_spectrogram,
    pre_emphasis,
    window,
)

RATE = 16_000
HERE = Path(__file__).parent


@cache
def signal() -> np.ndarray:
    path = HERE.parent.parent / "tools" / "make_audio_references.py"
    spec = importlib.util.spec_from_file_location("make_audio_references", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.signal()


@cache
def librosa(name: str) -> np.ndarray:
    with np.load(HERE / "librosa.npz") as arrays:
        return arrays[name]


def close(ours, name: str, tolerance: float = 2e-6):
    theirs = librosa(name)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("area", [True, False])
def test_mel_filters(scale, area: bool):
    ours = mel_filters(RATE, 512, 26, low=60, high=7_000, scale=scale, area=area)
    close(ours, f"mel_{scale}_{'area' if area else 'height'}")


def test_mel_scales():
    hertz = np.linspace(0, 8_000, 33)
    close(hz_to_mel(hertz), "mels")
    close(hz_to_mel(hertz, "htk"), "mels_htk")
    for scale in ("slaney", "htk"):
        np.testing.assert_allclose(mel_to_hz(hz_to_mel(hertz, scale), scale), hertz, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "kind", "centre", "size"),
    [
        ("hann", "hann", False, 512),
        ("hamming", "hamming", False, 512),
        ("hann_centred", "hann", True, 512),
        ("hann_short", "hann", True, 400),
    ],
)
def test_power_spectrogram(name: str, kind, centre: bool, size: int):
    ours = power_spectrogram(signal(), size, 160, fft_size=512, kind=kind, centre=centre)
    close(ours, f"power_{name}")


def test_log_mel():
    close(log_mel(signal(), RATE, 512, 160), "log_mel")
    close(
        log_mel(signal(), RATE, 512, 160, filters=23, low=20, scale="htk", area=False),
        "log_mel_htk",
    )


def test_mfcc_and_deltas():
    cepstra = mfcc(signal(), RATE, size=512, hop=160)
    close(cepstra, "mfcc")
    close(deltas(cepstra, 2), "delta")
    close(deltas(cepstra, 4), "delta_wide")


def test_pre_emphasis():
    # librosa makes up another sample before the first.
    ours = pre_emphasis(signal())
    np.testing.assert_allclose(ours[1:], librosa("pre_emphasis")[1:], rtol=1e-4, atol=1e-6)
    assert ours[0] == pytest.approx(0.03 * signal()[0])


def test_float32_is_as_good():
    close(mfcc(signal().astype(np.float32), RATE, size=512), "mfcc", 1e-4)
    assert mfcc(signal().astype(np.float32), RATE).dtype == np.float32


def test_whole_numbers_are_a_louder_signal():
    loud = np.round(signal() * 2**15).astype(np.int16)
    bands = log_mel(loud, RATE)
    assert bands.dtype == np.float32
    quiet = log_mel(loud / 2**15, RATE) + 2 * np.log(2**15)
    np.testing.assert_allclose(bands, quiet, rtol=1e-4)


def test_lifter_is_that_of_htk():
    plain, liftered = mfcc(signal(), RATE), mfcc(signal(), RATE, lifter=22)
    n = np.arange(13)
    np.testing.assert_allclose(liftered, plain * (1 + 11 * np.sin(np.pi * n / 22)), rtol=1e-12)


def test_windows_are_those_of_scipy():
    windows = pytest.importorskip("scipy.signal").windows
    for kind in ("hann", "hamming"):
        for size in (1, 2, 5, 400):
            for symmetric in (True, False):
                theirs = getattr(windows, kind)(size, sym=symmetric)
                if size > 1:
                    np.testing.assert_allclose(
                        window(kind, size, symmetric=symmetric), theirs, atol=1e-15
                    )
    np.testing.assert_array_equal(window("rectangular", 3), [1, 1, 1])


@given(
    samples=st.integers(1, 60),
    size=st.integers(1, 20),
    hop=st.integers(1, 25),
    centre=st.booleans(),
    batch=st.sampled_from([(), (2,), (2, 3)]),
)
def test_frames_begin_where_they_should(samples: int, size: int, hop: int, centre: bool, batch):
    x = np.arange(1.0, samples * int(np.prod(batch)) + 1).reshape(*batch, samples)
    whole = samples + 2 * (size // 2) * centre
    if whole < size:
        with pytest.raises(PreprocessingError, match="has no frame"):
            frames(x, size, hop, centre=centre)
        return
    found = frames(x, size, hop, centre=centre)
    assert found.shape == (*batch, 1 + (whole - size) // hop, size)
    for k in range(found.shape[-2]):
        for j in range(size):
            at = k * hop + j - (size // 2) * centre
            expected = x[..., at] if 0 <= at < samples else 0
            np.testing.assert_array_equal(found[..., k, j], expected)


def test_batches_are_their_signals():
    both = np.stack([signal(), signal()[::-1]])
    for function in (lambda x: mfcc(x, RATE), pre_emphasis, lambda x: deltas(log_mel(x, RATE))):
        np.testing.assert_allclose(function(both)[1], function(both[1]), rtol=1e-9, atol=1e-12)


def test_silence_stays_finite():
    assert np.isfinite(mfcc(np.zeros(2_000, np.float32), RATE)).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: frames(np.zeros(3), 4, 1), "3 samples has no frame of 4"),
        (lambda: frames(np.zeros(3), 0, 1), "must be positive"),
        (lambda: frames(np.zeros(3), 2, 0), "must be positive"),
        (lambda: frames(np.float32(3), 2, 1), "a number is no signal"),
        (lambda: frames(["a"], 1, 1), "real numbers"),
        (lambda: frames(np.zeros(9, complex), 2, 1), "real numbers"),
        (
            lambda: window("blackman", 4),  # pyright: ignore[reportArgumentType]
            "'blackman' is none",
        ),
        (lambda: window("hann", 0), "must be positive"),
        (lambda: power_spectrogram(np.zeros(9), 8, 1, fft_size=4), "cannot hold a frame of 8"),
        (
            lambda: hz_to_mel(5, "bark"),  # pyright: ignore[reportArgumentType]
            "'bark' is no scale",
        ),
        (lambda: mel_filters(RATE, 512, low=9_000), "0 <= low < high <= 8000"),
        (lambda: mel_filters(RATE, 512, high=9_000), "60|9000"),
        (lambda: mel_filters(RATE, 512, 0), "At least one"),
        (lambda: mel_filters(RATE, 64, 80), "has no column: they are 250.0 Hz apart"),
        (lambda: log_mel(np.zeros(999), RATE, floor=0), "floor must be positive"),
        (lambda: mfcc(np.zeros(999), RATE, coefficients=41), "at most as many"),
        (lambda: mfcc(np.zeros(999), RATE, lifter=-1), "not negative"),
        (lambda: deltas(np.zeros(5)), "at least one frame"),
        (lambda: deltas(np.zeros((0, 5))), "at least one frame"),
        (lambda: deltas(np.zeros((2, 5)), 0), "reach is positive"),
    ],
)
def test_bad_calls(call, words: str):
    with pytest.raises(PreprocessingError, match=words):
        call()
