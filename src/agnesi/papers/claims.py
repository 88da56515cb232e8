"""Claims of a paper as inequalities between measured numbers."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Claim:
    """What a paper says, and the inequality that shows it here.

    It holds where the mean over the seeds keeps the limit, and each seed's number keeps ``each``.

    Attributes:
        says: the paper's claim, in our words.
        quantity: what was measured, in words.
        values: the measured numbers, one for each seed.
        relation: on which side of the limit the numbers have to be.
        limit: for the mean over the seeds.
        each: for each seed; None for the same as ``limit``.
        unit: of the numbers, such as "points".
        gate: whether the paper is said to hold only if this does; else it is told as it is.

    >>> claim = Claim("b is negative", "mean of b", (-0.5, -0.25), "<=", -0.1)
    >>> claim.holds, claim.mean, claim.margin
    (True, -0.375, 0.275)
    """

    says: str
    quantity: str
    values: tuple[float, ...]
    relation: Literal[">=", "<="]
    limit: float
    each: float | None = None
    unit: str = ""
    gate: bool = True

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values) if self.values else math.nan

    @property
    def margin(self) -> float:
        """How far the mean is on the right side of its limit; negative where it is not."""
        return self._beyond(self.mean, self.limit)

    @property
    def each_limit(self) -> float:
        """What each seed's number has to keep."""
        return self.limit if self.each is None else self.each

    @property
    def holds(self) -> bool:
        """Whether it does; a number that is none, and no number at all, never do."""
        beyond = [self._beyond(value, self.each_limit) for value in self.values]
        return bool(beyond) and self.margin >= 0 and all(each >= 0 for each in beyond)

    def _beyond(self, value: float, limit: float) -> float:
        return value - limit if self.relation == ">=" else limit - value

    def to_json(self) -> dict[str, Any]:
        """All of it, for ``results.json``."""
        return {
            "says": self.says,
            "quantity": self.quantity,
            "unit": self.unit,
            "values": list(self.values),
            "mean": self.mean,
            "relation": self.relation,
            "limit": self.limit,
            "limit_each_seed": self.each_limit,
            "margin": self.margin,
            "gate": self.gate,
            "holds": self.holds,
        }


def verdict(claims: tuple[Claim, ...], seeds: int) -> str:
    """Return in one line whether a paper's claims held.

    >>> claim = Claim("b is negative", "mean of b", (-0.5, -0.25), "<=", -0.1)
    >>> verdict((claim,), seeds=2)
    'The claim held: each of 1 inequalities, in the mean over 2 seeds and in every one.'
    """
    gates = [claim for claim in claims if claim.gate]
    failed = [claim for claim in gates if not claim.holds]
    others = [claim for claim in claims if not claim.gate]
    also = ""
    if others:
        held = sum(claim.holds for claim in others)
        also = f" Told beside them: {held} of {len(others)} further comparisons held."
    if not failed:
        return (
            f"The claim held: each of {len(gates)} inequalities, in the mean over {seeds} seeds "
            f"and in every one.{also}"
        )
    quantities = "; ".join(claim.quantity for claim in failed)
    return (
        f"The claim did not hold: {len(failed)} of {len(gates)} inequalities failed "
        f"({quantities}).{also}"
    )
