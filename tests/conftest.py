"""Settings: hypothesis gives the same examples each time, no deadline, little effort, no cache."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, suppress_health_check=_QUIET
)
settings.register_profile(
    "search", deadline=None, max_examples=3000, suppress_health_check=_QUIET, print_blob=True
)
# Most tests are about what is computed, not about how fast: those of native code itself
# (tests/ops/test_native.py, tests/codegen, tests/fuzz) ask for full effort.
os.environ.setdefault("AGNESI_OPTIMISE", "1")
# Every test compiles what it runs: a change to what LLVM is asked to do has to show, and no test
# may depend on what another one left behind.  tests/runtime/test_cache.py has folders of its own.
os.environ["AGNESI_CACHE"] = "0"

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
