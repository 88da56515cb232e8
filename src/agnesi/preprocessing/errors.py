"""What goes wrong when data is prepared."""

from __future__ import annotations

from agnesi.core.errors import AgnesiError


class PreprocessingError(AgnesiError, ValueError):
    """Data cannot be prepared as asked: its shape does not fit, or a setting makes no sense."""
