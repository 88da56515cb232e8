"""Settings: hypothesis gives the same examples each time, no deadline, little effort."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, suppress_health_check=_QUIET
)
settings.register_profile(
    "search", deadline=None, max_examples=3000, suppress_health_check=_QUIET, print_blob=True
)
# What a shell starts in the background ignores Ctrl-C, which some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Most tests are about what is computed, not about how fast, and LLVM's work takes longest: without
# effort it is a third. Those of native code itself (tests/codegen, float32 in tests/lower,
# tests/ops/test_native.py, tests/fuzz) ask for more.
os.environ.setdefault("AGNESI_OPTIMISE", "0")

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
