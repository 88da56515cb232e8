"""What the rules did in one compilation, and how much they still may do."""

from __future__ import annotations

import sys
from collections import Counter

from agnesi.core import knobs


class Trace:
    """Counts firings by rule, prints them on request, and stops them for bisection.

    One for each compilation: ``AGNESI_BISECT`` counts over all its passes.

    Attributes:
        firings: how often each rule fired.
    """

    def __init__(self) -> None:
        self.firings: Counter[str] = Counter()
        self._left = knobs.BISECT.number
        self._prints = "rules" in knobs.TRACE.words

    @property
    def prints(self) -> bool:
        """Whether each firing is to be shown."""
        return self._prints

    def permits(self) -> bool:
        """Whether one more firing may happen; counts it if so."""
        if self._left == 0:
            return False
        self._left -= self._left > 0
        return True

    def count(self, rule: str) -> None:
        """Remember that a rule fired."""
        self.firings[rule] += 1

    def show(self, rule: str, before: str, after: str, line: object) -> None:
        """Print a firing to stderr."""
        where = f"   # {line}" if line else ""
        sys.stderr.write(f"{rule}: {before} -> {after}{where}\n")

    def summary(self) -> list[tuple[str, int]]:
        """Return rules and how often they fired, the busiest first."""
        return sorted(self.firings.items(), key=lambda item: (-item[1], item[0]))
