"""What is done to data before a network sees it.

Sound: :mod:`agnesi.preprocessing.audio`.
"""

from agnesi.preprocessing import audio
from agnesi.preprocessing.errors import PreprocessingError

__all__ = ["PreprocessingError", "audio"]
