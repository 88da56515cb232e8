r"""Features of sound: spectrograms, mel bands, cepstra, and their changes in time.

Signals are ``float[..., samples]`` and features ``float[..., frames, features]``: time comes first,
as recurrent networks read it.  Sizes and steps are in samples, frequencies in hertz.  float64 stays
float64, all else is computed in float32.

All of it runs in NumPy: it is done once, before training.

>>> from agnesi.preprocessing import Standardization
>>> second = np.random.default_rng(0).standard_normal(16_000)
>>> features = mfcc(pre_emphasis(second), 16_000)
>>> features = np.concatenate([features, deltas(features)], axis=-1)
>>> features.shape
(98, 26)

Mean and variance normalisation is :class:`agnesi.preprocessing.Standardization`: made of all frames
of the training set, or of those of the utterance itself.

>>> normalised = Standardization.of(features).apply(features)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agnesi.preprocessing.arrays import floats
from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from agnesi.preprocessing.arrays import Floats

    Window = Literal["hann", "hamming", "rectangular"]
    Scale = Literal["slaney", "htk"]

__all__ = [
    "cepstra",
    "deltas",
    "frames",
    "hz_to_mel",
    "log_mel",
    "mel_filters",
    "mel_to_hz",
    "mfcc",
    "power_spectrogram",
    "pre_emphasis",
    "window",
]

# The scale of Slaney's Auditory Toolbox: 3 mels for each 200 Hz up to 1,000 Hz, then 27 for each
# factor of 6.4.
_LINEAR = 200 / 3
_KNEE = 1000.0
_LOG_STEP = np.log(6.4) / 27


def frames(signal: ArrayLike, size: int, hop: int, *, centre: bool = False) -> Floats:
    """Pieces of a signal, one every ``hop`` samples, as a view that cannot be written.

    Args:
        signal: float[..., samples].
        size: samples of a frame.
        hop: samples from the start of a frame to the start of the next.
        centre: whether frame ``k`` is centred on sample ``k * hop``, with zeros around the signal;
            otherwise it begins there, and samples that fill no frame are left out.

    Returns:
        float[..., frames, size]; ``1 + (samples - size) // hop`` frames, centred
        ``1 + (samples + 2 * (size // 2) - size) // hop``.

    Raises:
        PreprocessingError: the signal is shorter than a frame, or a setting is not positive.

    >>> frames(np.arange(6.0), size=4, hop=2)
    array([[0., 1., 2., 3.],
           [2., 3., 4., 5.]])
    """
    samples = _signal("frames", signal)
    if size < 1 or hop < 1:
        raise PreprocessingError(
            f"frames: size and hop must be positive, but are {size} and {hop}\n"
            "  Both count samples."
        )
    if centre:
        around = [(0, 0)] * (samples.ndim - 1) + [(size // 2, size // 2)]
        samples = np.pad(samples, around)
    if samples.shape[-1] < size:
        raise PreprocessingError(
            f"frames: a signal of {samples.shape[-1]:,} samples has no frame of {size:,}\n"
            "  Leave such signals out, ask for shorter frames, or pass centre=True."
        )
    return sliding_window_view(samples, size, axis=-1)[..., ::hop, :]


def window(kind: Window, size: int, *, symmetric: bool = False) -> NDArray[np.float64]:
    """Weights of the samples of a frame, float64[size].

    Args:
        kind: ``hann``, ``hamming`` (0.54 - 0.46 cos) or ``rectangular``.
        size: samples of a frame.
        symmetric: whether the last weight is the first, as HTK and Kaldi have it; otherwise the
            weights are one period, as spectral analysis wants them (librosa, SciPy's ``fftbins``).

    Raises:
        PreprocessingError: there is no such window, or the size is not positive.

    >>> window("hann", 4)
    array([0. , 0.5, 1. , 0.5])
    """
    if size < 1:
        raise PreprocessingError(f"window: size must be positive, but is {size}")
    turns = np.arange(size) / max(size - symmetric, 1)
    match kind:
        case "hann":
            return 0.5 - 0.5 * np.cos(2 * np.pi * turns)
        case "hamming":
            return 0.54 - 0.46 * np.cos(2 * np.pi * turns)
        case "rectangular":
            return np.ones(size)
        case _:
            raise PreprocessingError(
                f"window: {kind!r} is none\n  There are 'hann', 'hamming' and 'rectangular'."
            )


def pre_emphasis(signal: ArrayLike, coefficient: float = 0.97) -> Floats:
    """``y[t] = x[t] - coefficient * x[t - 1]``, which lifts high frequencies.

    The first sample counts as its own predecessor, as in HTK.

    Args:
        signal: float[..., samples].
        coefficient: 0 leaves the signal as it is.

    >>> pre_emphasis([1.0, 2.0, 3.0], 0.5)
    array([0.5, 1.5, 2. ])
    """
    samples = _signal("pre_emphasis", signal)
    before = np.concatenate([samples[..., :1], samples[..., :-1]], axis=-1)
    return samples - samples.dtype.type(coefficient) * before


def power_spectrogram(
    signal: ArrayLike,
    size: int = 400,
    hop: int = 160,
    *,
    fft_size: int | None = None,
    kind: Window = "hann",
    centre: bool = False,
) -> Floats:
    """Squared magnitudes of the short-time Fourier transform.

    Args:
        signal: float[..., samples].
        size: samples of a frame, 25 ms at 16 kHz.
        hop: samples from one frame to the next, 10 ms at 16 kHz.
        fft_size: samples of a transform, the rest of a frame being zeros; None for the least power
            of two that holds a frame.
        kind: of :func:`window`.
        centre: as in :func:`frames`.

    Returns:
        float[..., frames, fft_size // 2 + 1]; column ``k`` is ``k * rate / fft_size`` Hz.

    Raises:
        PreprocessingError: the signal is shorter than a frame, or the transform is.

    >>> tone = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)
    >>> power = power_spectrogram(tone)
    >>> power.shape, int(power[0].argmax()) * 16_000 // 512
    ((98, 257), 1000)
    """
    fft_size = fft_size or 1 << (max(size, 1) - 1).bit_length()
    if fft_size < size:
        raise PreprocessingError(
            f"power_spectrogram: a transform of {fft_size} samples cannot hold a frame of {size}\n"
            "  Make fft_size as large as size, or leave it out."
        )
    pieces = frames(signal, size, hop, centre=centre)
    spectrum = np.fft.rfft(pieces * window(kind, size).astype(pieces.dtype), n=fft_size)
    return spectrum.real**2 + spectrum.imag**2


def hz_to_mel(frequency: ArrayLike, scale: Scale = "slaney") -> NDArray[np.float64]:
    """Mels of frequencies, how high they sound.

    Args:
        frequency: in hertz.
        scale: ``slaney``, linear up to 1,000 Hz and logarithmic above (M. Slaney: Auditory Toolbox.
            Interval Research, technical report 1998-010), or ``htk``, ``2595 log10(1 + f / 700)``
            (D. O'Shaughnessy: Speech communication.  Addison-Wesley, 1987).

    >>> hz_to_mel([500.0, 1000.0, 6400.0])
    array([ 7.5, 15. , 42. ])
    """
    hertz = np.asarray(frequency, np.float64)
    if _scale("hz_to_mel", scale) == "htk":
        return 2595.0 * np.log10(1 + hertz / 700)
    above = np.log(np.maximum(hertz, _KNEE) / _KNEE) / _LOG_STEP
    return np.minimum(hertz, _KNEE) / _LINEAR + above


def mel_to_hz(mel: ArrayLike, scale: Scale = "slaney") -> NDArray[np.float64]:
    """Frequencies of mels, the inverse of :func:`hz_to_mel`.

    >>> mel_to_hz([7.5, 15.0, 42.0])
    array([ 500., 1000., 6400.])
    """
    mels = np.asarray(mel, np.float64)
    if _scale("mel_to_hz", scale) == "htk":
        return 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    knee = _KNEE / _LINEAR
    return np.minimum(mels, knee) * _LINEAR * np.exp(_LOG_STEP * np.maximum(mels - knee, 0))


def mel_filters(
    rate: float,
    fft_size: int,
    filters: int = 40,
    *,
    low: float = 0.0,
    high: float | None = None,
    scale: Scale = "slaney",
    area: bool = True,
) -> NDArray[np.float64]:
    """Triangles over the columns of a spectrogram, as wide and as far apart on the mel scale.

    Args:
        rate: samples a second.
        fft_size: samples of a transform.
        filters: how many.
        low: where the first triangle begins, in Hz.
        high: where the last one ends, in Hz; None for half the rate.
        scale: of :func:`hz_to_mel`.
        area: whether each triangle has area 1 over hertz (Slaney's); otherwise height 1 (HTK's).

    Returns:
        float64[fft_size // 2 + 1, filters]; a spectrogram times it is in mel bands.

    Raises:
        PreprocessingError: the frequencies are not in order, or a triangle falls between two
            columns of the spectrogram and so would always be 0.

    >>> mel_filters(16_000, 512, filters=40).shape
    (257, 40)
    """
    high = rate / 2 if high is None else high
    if not 0 <= low < high <= rate / 2 or filters < 1:
        raise PreprocessingError(
            f"mel_filters: {filters} filters from {low:g} to {high:g} Hz at {rate:g} samples/s\n"
            f"  At least one, and 0 <= low < high <= {rate / 2:g}."
        )
    columns = np.arange(fft_size // 2 + 1) * (rate / fft_size)
    first, last = hz_to_mel([low, high], scale)
    edges = mel_to_hz(np.linspace(float(first), float(last), filters + 2), scale)
    rise = (columns[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - columns[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(np.minimum(rise, fall), 0.0)
    empty = np.flatnonzero(~weights.any(axis=0))
    if len(empty):
        k = int(empty[0])
        raise PreprocessingError(
            f"mel_filters: filter {k} of {filters}, {edges[k]:.1f} to {edges[k + 2]:.1f} Hz, "
            f"has no column: they are {rate / fft_size:.1f} Hz apart\n"
            "  Ask for fewer filters, a larger fft_size, or a larger low."
        )
    return weights * (2.0 / (edges[2:] - edges[:-2])) if area else weights


def log_mel(
    signal: ArrayLike,
    rate: float,
    size: int = 400,
    hop: int = 160,
    *,
    filters: int = 40,
    low: float = 0.0,
    high: float | None = None,
    fft_size: int | None = None,
    kind: Window = "hann",
    scale: Scale = "slaney",
    area: bool = True,
    centre: bool = False,
    floor: float = 1e-10,
) -> Floats:
    """Natural logarithms of the power in mel bands, no less than ``log(floor)``.

    Args:
        signal: float[..., samples].
        rate: samples a second.
        size: samples of a frame, 25 ms at 16 kHz.
        hop: samples from one frame to the next, 10 ms at 16 kHz.
        filters: how many bands.
        low: where the first begins, in Hz.
        high: where the last one ends, in Hz; None for half the rate.
        fft_size: as in :func:`power_spectrogram`.
        kind: of :func:`window`.
        scale: of :func:`hz_to_mel`.
        area: as in :func:`mel_filters`.
        centre: as in :func:`frames`.
        floor: the least power whose logarithm is taken.

    Returns:
        float[..., frames, filters].

    Raises:
        PreprocessingError: the signal is shorter than a frame, or settings do not fit.

    >>> log_mel(np.ones(16_000, np.float32), 16_000).shape
    (98, 40)
    """
    if not floor > 0:
        raise PreprocessingError(f"log_mel: floor must be positive, but is {floor}")
    power = power_spectrogram(signal, size, hop, fft_size=fft_size, kind=kind, centre=centre)
    bands = mel_filters(
        rate, 2 * (power.shape[-1] - 1), filters, low=low, high=high, scale=scale, area=area
    )
    return np.log(np.maximum(power @ bands.astype(power.dtype), power.dtype.type(floor)))


def cepstra(bands: ArrayLike, coefficients: int = 13, lifter: float = 0.0) -> Floats:
    """Cepstral coefficients: the orthonormal DCT-II of logarithms of bands.

    Args:
        bands: float[..., frames, filters], as :func:`log_mel` gives them.
        coefficients: how many are kept, the lowest first; the first of all, which is the mean of
            the bands times the square root of their number, is among them.
        lifter: ``L``, which multiplies coefficient ``n`` by ``1 + L / 2 sin(pi n / L)``, ``n``
            counted from 0 as in HTK (librosa counts from 1); 0 does not.

    Returns:
        float[..., frames, coefficients].

    Raises:
        PreprocessingError: there are more coefficients than bands, or the lifter is negative.

    >>> cepstra([[1.0, 1.0, 1.0, 1.0]], coefficients=2).round(6) + 0.0
    array([[2., 0.]])
    """
    values = floats(bands)
    filters = values.shape[-1] if values.ndim else 0
    if not 1 <= coefficients <= filters or lifter < 0:
        raise PreprocessingError(
            f"cepstra: {coefficients} coefficients of {filters} bands, lifter {lifter:g}\n"
            "  There are at most as many coefficients as bands, and a lifter is not negative."
        )
    numbers = np.arange(coefficients)
    waves = np.cos(np.pi / filters * np.outer(np.arange(filters) + 0.5, numbers))
    waves *= np.sqrt(2 / filters)
    waves[:, 0] = np.sqrt(1 / filters)
    if lifter:
        waves *= 1 + lifter / 2 * np.sin(np.pi * numbers / lifter)
    return values @ waves.astype(values.dtype)


def mfcc(
    signal: ArrayLike,
    rate: float,
    coefficients: int = 13,
    lifter: float = 0.0,
    **settings: Any,
) -> Floats:
    """Mel-frequency cepstral coefficients: :func:`cepstra` of :func:`log_mel`.

    S. B. Davis, P. Mermelstein: Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences.  IEEE Transactions on Acoustics, Speech, and
    Signal Processing 28 (1980), 357-366.

    Args:
        signal: float[..., samples].
        rate: samples a second.
        coefficients: as in :func:`cepstra`.
        lifter: as in :func:`cepstra`.
        settings: those of :func:`log_mel`, by name.

    Returns:
        float[..., frames, coefficients].

    Raises:
        PreprocessingError: the signal is shorter than a frame, or settings do not fit.

    >>> mfcc(np.ones(16_000, np.float32), 16_000, coefficients=20, filters=26).shape
    (98, 20)
    """
    return cepstra(log_mel(signal, rate, **settings), coefficients, lifter)


def deltas(features: ArrayLike, reach: int = 2) -> Floats:
    """Slopes of features over time: of the line that fits ``2 * reach + 1`` frames best.

    The first and the last frame stand for those before and after.  Deltas of deltas are the
    accelerations.

    S. Young and others: The HTK book, version 3.4.  Cambridge University (2006), section 5.9.

    Args:
        features: float[..., frames, features].
        reach: frames to each side.

    Returns:
        Of the same shape, changes for each frame.

    Raises:
        PreprocessingError: there are no frames, or ``reach`` is not positive.

    >>> deltas([[0.0], [1.0], [2.0], [3.0], [4.0]], reach=1).T
    array([[0.5, 1. , 1. , 1. , 0.5]])
    """
    values = floats(features)
    if values.ndim < 2 or not values.shape[-2] or reach < 1:
        raise PreprocessingError(
            f"deltas: features of shape {values.shape}, reach {reach}\n"
            "  Features are [..., frames, features], at least one frame, and reach is positive."
        )
    count = values.shape[-2]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(reach, reach), (0, 0)], mode="edge")
    total = np.zeros_like(values)
    for step in range(1, reach + 1):
        after = padded[..., reach + step : reach + step + count, :]
        before = padded[..., reach - step : reach - step + count, :]
        total += values.dtype.type(step) * (after - before)
    return total / values.dtype.type(2 * sum(step * step for step in range(1, reach + 1)))


def _scale(what: str, scale: Scale) -> Scale:
    if scale not in ("slaney", "htk"):
        raise PreprocessingError(f"{what}: {scale!r} is no scale\n  There are 'slaney' and 'htk'.")
    return scale


def _signal(what: str, signal: ArrayLike) -> Floats:
    samples = floats(signal)
    if not samples.ndim:
        raise PreprocessingError(f"{what}: a number is no signal\n  Give float[..., samples].")
    return samples
