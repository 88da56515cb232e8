"""A fresh process that builds one row and runs it: ``fresh LIBRARY THREADS ROW TINY``.

Prints one JSON object: when the first result was there (``time.time()``), how long importing the
library took, and by how much the first call raised the memory that the process held at most.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter, time

STATUS = Path("/proc/self/status")


def held(field: str) -> int:
    """Return bytes of ``VmRSS`` (now) or ``VmHWM`` (at most); 0 where the system does not say."""
    if not STATUS.exists():
        return 0
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Build, run, tell."""
    library, threads, name, tiny = sys.argv[1:]
    from bench import libraries  # noqa: PLC0415 (in the measured part)

    start = perf_counter()
    side = libraries.side(library, int(threads))
    imported = perf_counter() - start
    from bench.rows import BY_NAME  # noqa: PLC0415

    row = BY_NAME[name].tiny() if tiny == "1" else BY_NAME[name]
    try:
        program = side.build(row, row.make())
    except libraries.Missing:
        print(json.dumps({"ok": False, "missing": True}))
        return
    before = held("VmRSS")
    if before:  # the greatest amount starts anew: making the arrays took more
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    result = program.call(*program.given)
    found = {"ok": True, "first": time(), "imported": imported, "peak": held("VmHWM") - before}
    assert program.outputs(result)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
