"""What Linux's control groups leave to this process: containers limit CPUs and memory by them."""

from __future__ import annotations

from pathlib import Path

ROOT, MEMBERSHIP = "/sys/fs/cgroup", "/proc/self/cgroup"


def folders(root: str = ROOT, membership: str = MEMBERSHIP) -> list[Path]:
    """Return the folders of the groups of this process and of those around them, if there are any.

    Args:
        root: where the groups' file system is.
        membership: the file that says in which groups the process is.
    """
    try:
        own = Path(membership).read_text("utf8").splitlines()
    except OSError:
        return []
    found: list[Path] = []
    for line in own:
        _, controllers, path = line.split(":", 2)
        base = Path(root) if not controllers else Path(root) / controllers
        here = base / path.strip("/")
        for folder in (here, *here.parents):
            found.append(folder)
            if folder == base:
                break
    return found


def words(file: Path) -> list[str]:
    """Return what stands in a file, none if there is no such file."""
    try:
        return file.read_text("utf8").split()
    except OSError:
        return []


def memory(root: str = ROOT, membership: str = MEMBERSHIP) -> int | None:
    """Return the bytes that the groups leave to this process, if they limit them."""
    limits = [
        int(text)
        for folder in folders(root, membership)
        for name in ("memory.max", "memory.limit_in_bytes")
        for text in words(folder / name)
        if text.isdigit()
    ]
    return min(limits) if limits else None
