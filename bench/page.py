"""The parts of ``docs/benchmarks.md`` that are made of ``bench/results/``.

``tools/make_docs.py`` puts them into the page, whose other text is written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.libraries import LIBRARIES
from bench.results import OURS, Results, Row, amount, best_peer, geometric_mean, kept, ratio
from bench.rows import BY_NAME, ROWS
from bench.targets import TARGETS, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING = "Nothing has been measured yet."


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; every column but the first is aligned to the right."""
    titles = list(head)
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def in_threads(threads: str) -> str:
    """Return a number of threads in words."""
    return {"1": "one thread", "2": "two threads"}.get(threads, f"{threads} threads")


def most_first(results: Results) -> list[str]:
    """Return the numbers of threads, the greatest first."""
    return sorted(results.rows, key=int, reverse=True)


# -- the machine ---------------------------------------------------------------------------------


def machine_text(results: Results) -> str:
    """Return what was measured, on what, when."""
    m = results.machine
    sizes = ", ".join(f"{name} {size // 1024:,} KB" for name, size in m["caches"].items())
    versions = ", ".join(results.versions[name] for name in sorted(results.versions))
    commit = f", commit `{results.commit}`" if results.commit else ""
    return (
        f"Measured {results.date} UTC{commit}: {m['cpu']} ({m['architecture']}), "
        f"{m['cores']} cores, {sizes}, {m['memory_GB']} GB of memory, {m['os']}, "
        f"Python {m['python']}, {m['openblas']}. Libraries: {versions}."
    )


def limits_table(results: Results) -> str:
    """Return what the machine can do at most."""
    limits: dict[str, dict[str, float]] = results.machine["limits"]
    order = sorted(limits, key=int, reverse=True)
    names = dict.fromkeys(name for threads in order for name in limits[threads])
    rows = [[limit_name(n), *(f"{limits[t].get(n, 0):,.0f}" for t in order)] for n in names]
    return table(["measured in the same run", *map(in_threads, order)], rows)


def limit_name(key: str) -> str:
    """Return a limit in words: ``triad_L2_GBps`` is "triad, L2 (GB/s)"."""
    kind, *place, unit = key.split("_")
    if kind == "fma":
        return "fused multiply-adds of float32 in registers (GFLOP/s)"
    what = {"read": "read", "triad": "read two, write one"}[kind]
    return f"{what}, {place[0] if place else 'memory'} ({unit.replace('ps', '/s')})"


# -- the shared suite ----------------------------------------------------------------------------


def shared_part() -> str:
    """Return the section on the shared suite: plots and tables for each machine."""
    parts: list[str] = []
    for name, results in kept("shared"):
        own = dict(kept("own")).get(name.removeprefix("shared-"))
        parts.append(machine_text(results))
        parts.append(limits_table(results))
        parts.append(summary(results))
        for threads in most_first(results):
            parts.append(f"### {in_threads(threads).capitalize()}, {results.machine['cpu']}")
            parts.append(f"![best peer's time in ours, by row](plots/{name}-t{threads}.svg)")
            parts.append(goal_table(results, threads, own))
    return "\n\n".join(parts) or NOTHING


def summary(results: Results) -> str:
    """Return the geometric means, and how many rows are where they are to be."""
    lines: list[str] = []
    names = {target.row for target in TARGETS}
    for threads in most_first(results):
        rows = results.rows[threads]
        calls = {n: r for n, row in rows.items() if n in names and (r := ratio(n, row)) is not None}
        timed = [r for n, r in calls.items() if not n.startswith("first.")]
        ahead = sum(r >= 1 for r in timed)
        line = f"- {in_threads(threads)}: geometric mean over {len(timed)} rows with goals "
        line += f"**{geometric_mean(timed):.2f}**, ahead in {ahead}"
        if len(calls) > len(timed):
            line += f"; with first results too {geometric_mean(calls.values()):.2f}"
        lines.append(line + ".")
    return "\n".join(lines)


def goal_table(results: Results, threads: str, own: Results | None) -> str:
    """Return the rows with goals, which are for most threads, then the others."""
    first = threads == most_first(results)[0]
    rows = dict(results.rows[threads])
    if own is not None and first:  # peak memory is a row of our own
        extra = own.rows.get(threads, {})
        rows |= {
            t.row: extra[t.row] for t in TARGETS if t.row in extra and t.row.startswith("memory.")
        }
    goals = [t for t in TARGETS if t.row in rows]
    others = [Target(n) for n in rows if n not in {t.row for t in TARGETS}]
    head = ["row", OURS, "of the limit", "best peer", "its figure", "ratio"]
    lines = [goal_row(results, threads, rows[t.row], t, goals=first) for t in goals + others]
    return table([*head, "goal", "reached"] if first else head, lines)


def goal_row(results: Results, threads: str, row: Row, target: Target, *, goals: bool) -> list[str]:
    """Return one row: our figure, the best peer's, their ratio, the goal."""
    peer, times = best_peer(target.row, row), ratio(target.row, row)

    def figure(library: str) -> str:
        doubt = "~" if f"{threads}/{target.row}/{library}" in results.noisy else ""
        return doubt + amount(row[library], target.row)

    line = [f"`{target.row}`", "-", ""]
    if OURS in row:
        share = limit_share(work_of(results, target.row), row[OURS], results.machine, threads)
        line[1:] = [figure(OURS), share]
    line += ["-", "-", "-"] if peer is None else [peer, figure(peer), f"{times or 0:.2f}"]
    return [*line, *goal_words(row, target)] if goals else line


def goal_words(row: Row, target: Target) -> list[str]:
    """Return the goal, and whether it is reached."""
    if OURS not in row or not (target.ratio or target.most):
        return ["", ""]
    if target.most:
        goal = f"at most {amount(target.most, target.row)}"
        return [goal, yes(row[OURS] <= target.most)]
    reached = ratio(target.row, row, target.against)
    goal = f"{target.ratio:g}"
    if target.against:
        goal += f" against {target.against[0]}"
        if reached is not None:
            goal += f" ({reached:.2f})"
    return [goal, "" if reached is None else yes(reached >= target.ratio)]


def yes(reached: bool) -> str:
    """Return yes or no."""
    return "yes" if reached else "**no**"


# -- our own rows --------------------------------------------------------------------------------


def own_part() -> str:
    """Return the section on our own benchmarks: plots and tables for each machine."""
    parts: list[str] = []
    for name, results in kept("own"):
        parts += [machine_text(results), limits_table(results)]
        for threads in most_first(results):
            ratios = [r for n, row in results.rows[threads].items() if (r := ratio(n, row))]
            parts.append(
                f"### {in_threads(threads).capitalize()}, {results.machine['cpu']}, own rows"
            )
            parts.append(
                f"Geometric mean of {len(ratios)} rows: **{geometric_mean(ratios):.2f}**, "
                f"ahead in {sum(r >= 1 for r in ratios)}."
            )
            parts.append(f"![best peer's time in ours, by row](plots/{name}-t{threads}.svg)")
            parts.append(own_table(results, threads))
    return "\n\n".join(parts) or NOTHING


def own_table(results: Results, threads: str) -> str:
    """Return every row: our figure, its share of the limit, each peer's figure in ours."""
    rows = results.rows[threads]
    present = {name for row in rows.values() for name in row} - {OURS}
    peers = [name for name in LIBRARIES if name in present]
    lines = [own_row(results, threads, name, rows[name], peers) for name in in_order(rows)]
    return table(["row", OURS, "of the limit", *peers], lines)


def in_order(rows: Iterable[str]) -> list[str]:
    """Return names of rows as ``rows.py`` has them, then the others."""
    names = set(rows)
    return [n for n in BY_NAME if n in names] + [n for n in rows if n not in BY_NAME]


def own_row(results: Results, threads: str, name: str, row: Row, peers: Iterable[str]) -> list[str]:
    """Return one row of the table."""
    doubt = "~" if f"{threads}/{name}/{OURS}" in results.noisy else ""
    share = limit_share(work_of(results, name), row[OURS], results.machine, threads)
    line = [f"`{name}`", doubt + amount(row[OURS], name), share]
    for peer in peers:
        mark = "~" if f"{threads}/{name}/{peer}" in results.noisy else ""
        line.append(f"{mark}{row[peer] / row[OURS]:.2f}" if peer in row else "")
    return line


def work_of(results: Results, name: str) -> Row:
    """Return the least flops and bytes of a row's call, where they are known."""
    row = BY_NAME.get(name)
    if name in results.work or row is None or results.suite != "own":
        return results.work.get(name, {})
    formulas = {"flops": row.flops, "bytes": row.bytes}
    return {kind: f(dict(row.sizes)) for kind, f in formulas.items() if f is not None}


def limit_share(work: Row, seconds: float, machine: dict[str, Any], threads: str) -> str:
    """Return what part of the machine's limit a row reaches, and which limit that is."""
    limits, caches = machine["limits"][threads], machine["caches"]
    if work.get("flops"):
        return f"{work['flops'] / seconds / (limits['fma_f32_GFLOPs'] * 1e9):.0%} of FMA"
    moved = work.get("bytes", 0)
    if moved < caches.get("L2", 1 << 20) / 16:
        return ""  # too small to be bound by moving data
    key, place = "", "memory"
    if "L2" in caches and moved < caches["L2"] * int(threads):
        key, place = "_L2", "L2"
    elif "L3" in caches and moved < caches["L3"]:
        key, place = "_L3", "L3"
    best = max(limits[f"{kind}{key}_GBps"] for kind in ("read", "triad"))
    return f"{moved / seconds / (best * 1e9):.0%} of {place}"


def row_table() -> str:
    """Return what each of our own rows is."""
    others = [
        ("`first.ROW.cold`, `.warm`", "fresh processes", FIRST),
        ("`first.import`", "fresh processes", "seconds of importing the library, NumPy included"),
        ("`memory.chain.1e7`", "fresh processes", MEMORY),
    ]
    rows = [(f"`{row.name}`", row.group, row.what) for row in ROWS]
    return table(["row", "group", "what"], rows + others).replace("---:", "---")


FIRST = "seconds from the start of a process to its first result, caches empty or filled"
MEMORY = "bytes by which the first call of `chain.f32.1e7` raises the peak of a process's memory"

PARTS: dict[str, Any] = {
    "bench-shared": shared_part,
    "bench-own": own_part,
    "bench-rows": row_table,
}
