"""Write what librosa computes of a signal, which tests hold agnesi.preprocessing.audio against.

    python -m venv /tmp/librosa && /tmp/librosa/bin/pip install librosa
    /tmp/librosa/bin/python tools/make_audio_references.py

librosa is too heavy for the test group (Numba, SciPy, scikit-learn); its results, computed in
float64, are in ``tests/preprocessing/librosa.npz``.  The signal is a formula, so that tests can
make it again.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

RATE = 16_000
TARGET = Path(__file__).parent.parent / "tests" / "preprocessing" / "librosa.npz"


def signal() -> np.ndarray[Any, Any]:
    """Two tones, one of them rising, and what sounds like noise: float64[2400]."""
    k = np.arange(2_400)
    noise = (k * k * 7_919 + k * 104_729) % 1_009 / 1_009 - 0.5
    return 0.4 * np.sin(0.1 * k) + 0.3 * np.sin(2e-4 * k * k) + 0.05 * noise


def references() -> dict[str, np.ndarray[Any, Any]]:
    """Arrays by the names that the tests know them by; time goes first."""
    librosa: Any = importlib.import_module("librosa")
    feature, filters = librosa.feature, librosa.filters
    y = signal()
    found: dict[str, Any] = {"version": np.array(librosa.__version__)}
    for name, htk, norm in (
        ("slaney_area", False, "slaney"),
        ("slaney_height", False, None),
        ("htk_area", True, "slaney"),
        ("htk_height", True, None),
    ):
        found[f"mel_{name}"] = filters.mel(
            sr=RATE, n_fft=512, n_mels=26, fmin=60, fmax=7_000, htk=htk, norm=norm, dtype=np.float64
        ).T
    for name, kind, centre, size in (
        ("hann", "hann", False, 512),
        ("hamming", "hamming", False, 512),
        ("hann_centred", "hann", True, 512),
        ("hann_short", "hann", True, 400),
    ):
        found[f"power_{name}"] = (
            np.abs(
                librosa.stft(
                    y, n_fft=512, hop_length=160, win_length=size, window=kind, center=centre
                )
            )
            ** 2
        ).T
    found["mels"] = librosa.hz_to_mel(np.linspace(0, 8_000, 33))
    found["mels_htk"] = librosa.hz_to_mel(np.linspace(0, 8_000, 33), htk=True)
    common = {"sr": RATE, "n_fft": 512, "hop_length": 160, "center": False}
    mel = feature.melspectrogram(y=y, n_mels=40, **common)
    found["log_mel"] = np.log(mel).T
    mel = feature.melspectrogram(y=y, n_mels=23, htk=True, norm=None, fmin=20, **common)
    found["log_mel_htk"] = np.log(mel).T
    # librosa's cepstra are of decibels.
    cepstra = feature.mfcc(y=y, n_mfcc=13, n_mels=40, **common)
    found["mfcc"] = cepstra.T * (np.log(10) / 10)
    found["delta"] = feature.delta(cepstra, width=5, mode="nearest").T * (np.log(10) / 10)
    found["delta_wide"] = feature.delta(cepstra, width=9, mode="nearest").T * (np.log(10) / 10)
    found["pre_emphasis"] = librosa.effects.preemphasis(y, coef=0.97)
    return found


def _short(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array in float32, whose rounding is far below what tests allow."""
    return array.astype(np.float32) if array.dtype == np.float64 else array


if __name__ == "__main__":
    arrays = references()
    np.savez_compressed(TARGET, **{name: _short(array) for name, array in arrays.items()})
    print(f"{TARGET}: {len(arrays)} arrays, {TARGET.stat().st_size:,} bytes")
