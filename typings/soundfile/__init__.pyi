"""The functions of soundfile that agnesi and its tests call."""

from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

class LibsndfileError(RuntimeError):
    @property
    def error_string(self) -> str: ...

def read(file: BinaryIO, dtype: Literal["float32"]) -> tuple[NDArray[np.float32], int]: ...
def write(
    file: BinaryIO | str,
    data: NDArray[Any],
    samplerate: int,
    subtype: str | None = None,
    format: str | None = None,
) -> None: ...
