"""Files of sound, as tests of loaders need them."""

from __future__ import annotations

import io

import numpy as np
import soundfile

WAVE = np.round(8_000 * np.sin(0.05 * np.arange(3_000))).astype(np.int16)


def wav(samples: np.ndarray = WAVE, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def sphere(
    samples: np.ndarray = WAVE, rate: int = 16_000, order: str = "01", more: str = ""
) -> bytes:
    """A file as TIMIT has it: a header of text, filled up to 1,024 bytes, then the samples."""
    header = (
        "NIST_1A\n   1024\n"
        "database_id -s5 TIMIT\ndatabase_version -s3 1.0\nutterance_id -s8 cjf0_sa1\n"
        f"channel_count -i 1\nsample_count -i {len(samples)}\nsample_rate -i {rate}\n"
        f"sample_min -i {samples.min()}\nsample_max -i {samples.max()}\nsample_n_bytes -i 2\n"
        f"sample_byte_format -s2 {order}\nsample_sig_bits -i 16\n{more}end_head\n"
    )
    little = order == "01"
    return header.encode().ljust(1024, b"\n") + samples.astype("<i2" if little else ">i2").tobytes()
