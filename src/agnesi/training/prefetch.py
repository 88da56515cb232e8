"""Items made ahead by a thread."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


def prefetched(items: Generator[T, None, None], depth: int) -> Generator[T, None, None]:
    """Yield the items of a generator, which a thread of its own runs up to ``depth`` items ahead.

    The thread starts with the first item that is asked for, and has ended when this generator has:
    at the last item, at an error, or when it is closed.

    Args:
        items: closed in any case; it runs in the thread.
        depth: items that are ready or being made at most, at least 1.

    Raises:
        BaseException: whatever the generator raises, where its item would have been, with its
            traceback.

    >>> list(prefetched((k * k for k in range(4)), depth=2))
    [0, 1, 4, 9]
    """
    line = _Line(items, depth)
    thread = threading.Thread(target=line.produce, name="agnesi prefetch", daemon=True)
    thread.start()
    try:
        yield from line.consume()
    finally:
        line.stopped = True
        line.room.release()
        thread.join()


class _Line(Generic[T]):
    """Stands between the thread that makes items and the one that takes them."""

    def __init__(self, items: Generator[T, None, None], depth: int) -> None:
        self.items = items
        self.ready: deque[T | _End] = deque()
        self.filled = threading.Semaphore(0)
        self.room = threading.Semaphore(depth)
        self.stopped = False

    def produce(self) -> None:
        """Make items while there is room, until there are no more or they are not wanted."""
        end = _End()
        try:
            with closing(self.items):
                while self._wanted():
                    self.ready.append(next(self.items))
                    self.filled.release()
        except StopIteration:
            pass
        except BaseException as error:  # raised where its item would be taken
            end.error = error
        self.ready.append(end)
        self.filled.release()

    def _wanted(self) -> bool:
        self.room.acquire()
        return not self.stopped

    def consume(self) -> Generator[T, None, None]:
        """Take items in the order in which they were made."""
        while True:
            self.filled.acquire()
            item = self.ready.popleft()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            self.room.release()


class _End:
    """Follows the last item; the error, if there was one."""

    error: BaseException | None = None
