"""The leader's lock: of several services on one home, one does the work."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

LOOK_SECONDS = 0.25


@contextmanager
def leading(path: Path, stop: Event) -> Iterator[bool]:
    """Wait until nobody else leads, and lead; gives False if *stop* came first.

    The kernel takes the lock from a process that dies, however it dies, at once.
    """
    with path.open("a+") as file:
        while not stop.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stop.wait(LOOK_SECONDS)
            else:
                yield True
                return
    yield False
