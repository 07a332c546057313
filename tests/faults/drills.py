"""Drills: short runs of a child, calm or under one kind of fault, and what they found wrong."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.checks import Scene, find_faults
from tests.faults.children import accept, accept_together, make_home, need_strace, trace
from tests.faults.deliveries import BROKEN, Delivery, Job, draw_deliveries
from tests.faults.disk import cut_power, record

HOUR, DAY = 3600.0, 86_400.0
STEPS = (0.0, 1.0, -1.0, 60.0, -60.0, HOUR, -HOUR, DAY / 2, -DAY / 2, DAY, -DAY)
"""How far a clock may be from the truth at any look."""

MIDNIGHT = "2026-02-28T23:59:59.500000+00:00"


def stay_calm(folder: Path, bug: str | None, seed: int) -> list[str]:
    """Nothing goes wrong but what is sent."""
    home = make_home(folder / "calm")
    deliveries = draw_deliveries(seed, 40)
    answers = accept(Job(str(home), deliveries, bug=bug))
    return find_faults(Scene(home, deliveries, answers))


def crowd(folder: Path, bug: str | None, seed: int, size: int = 60) -> list[str]:
    """Two processes of several threads get the same requests at the same time."""
    home = make_home(folder / "crowd")
    drawn = random.Random(seed)
    deliveries = draw_deliveries(seed, size)
    deliveries += [Delivery(size + n, BROKEN, "ann", None) for n in range(size // 10)]
    jobs = [
        Job(str(home), drawn.sample(deliveries, len(deliveries)), threads=8, bug=bug)
        for _ in range(2)
    ]
    answers = accept_together(jobs)
    return find_faults(Scene(home, deliveries, answers))


def press_often(folder: Path, bug: str | None, seed: int) -> list[str]:
    """Each request comes eight times at once, as from a finger that does not wait."""
    home = make_home(folder / "often")
    deliveries = draw_deliveries(seed, 30)
    job = Job(str(home), [one for one in deliveries for _ in range(8)], threads=8, bug=bug)
    return find_faults(Scene(home, deliveries, accept(job)))


def jump_clock(folder: Path, bug: str | None, seed: int, size: int = 60) -> list[str]:
    """Two processes accept at midnight, by clocks that jump to and fro."""
    home = make_home(folder / "clock")
    deliveries = draw_deliveries(seed, size)
    halves = deliveries[::2], deliveries[1::2]
    jobs = [
        Job(str(home), half, threads=4, bug=bug, start=MIDNIGHT, jumps=STEPS) for half in halves
    ]
    return find_faults(Scene(home, deliveries, accept_together(jobs)))


CALLS = (
    "openat",
    "pwrite64",
    "write",
    "fsync",
    "fdatasync",
    "ftruncate",
    "unlink",
    "mmap",
    "close",
)
"""What accepting asks of the system for its files."""

Point = tuple[str, int]


def kill_at(job: Job, point: Point) -> list[str]:
    """A child is killed when it makes one certain call."""
    call, number = point
    home = make_home(Path(job.home))
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    answers = accept(job, prefix=trace(home, home / "calls", CALLS, "-e", inject))
    return find_faults(Scene(home, job.deliveries, answers, unanswered=job.threads))


def kill_a_few(folder: Path, bug: str | None, seed: int) -> list[str]:
    """A child is killed at its syncs, one after the other, until something is wrong."""
    need_strace()
    found: list[str] = []
    for number in range(4, 16):
        job = Job(str(folder / str(number)), draw_deliveries(seed, 8), bug=bug)
        found = found or kill_at(job, ("fdatasync", number))
    return found


def fail_sync(job: Job, number: int) -> list[str]:
    """The disk does not confirm one sync: that group is refused, and all that comes later."""
    home = make_home(Path(job.home))
    # Every second disk fails for good.
    inject = f"inject=fdatasync:error=EIO:when={number}{'+' * (number % 2)}"
    dying = replace(job, dies=True)
    answers = accept(dying, prefix=trace(home, home / "calls", CALLS, "-e", inject))
    # A failed copy from the log into the main file is no failed answer: SQLite makes it again.
    errors = ["error" in one and one["error"] == "ledger_unavailable" for one in answers]
    faults = find_faults(Scene(home, job.deliveries, answers, disk_fails=True))
    if True in errors and not all(errors[errors.index(True) :]):
        faults.append(f"sync: something was accepted after sync {number} had failed")
    return faults


def fail_a_few_syncs(folder: Path, bug: str | None, seed: int) -> list[str]:
    """The disk does not confirm one of the first syncs."""
    need_strace()
    deliveries = draw_deliveries(seed, 8)
    jobs = [Job(str(folder / str(number)), deliveries, bug=bug) for number in range(6, 9)]
    return [fault for number, job in enumerate(jobs, 6) for fault in fail_sync(job, number)]


@dataclass
class Cuts:
    """What the images of one recording showed."""

    images: int = 0
    answers: int = 0
    """Acknowledged ones that were looked for, over all images."""

    bad: int = 0
    faults: list[str] = field(default_factory=list)


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Give a folder in which images are built and thrown away by the thousand."""
    shared = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    folder = tempfile.mkdtemp(dir=shared if shared.is_dir() else None)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)


def cut(images: int, seed: int, threads: int = 1, bug: str | None = None) -> Cuts:
    """Record 60 requests, and look at *images* of the disk after a power cut."""
    need_strace()
    found = Cuts()
    with folder_in_memory() as memory:
        home, before, image = make_home(memory / "home"), make_home(memory / "old"), memory / "new"
        deliveries = draw_deliveries(seed, 60)
        calls = record(Job(str(home), deliveries, threads, bug, checkpoint=20), memory)
        for number, (moment, disk) in enumerate(cut_power(calls, before, images, seed)):
            disk.build_image(image, random.Random(f"{seed} {number}"))
            scene = Scene(image, deliveries, list(disk.answers), unanswered=threads)
            faults = find_faults(scene, replays=number % 50 == 0)
            found.images += 1
            found.answers += len(disk.answers)
            found.bad += bool(faults)
            found.faults += [f"{one} (image {number}, after call {moment})" for one in faults]
    return found


def cut_power_alone(_folder: Path, bug: str | None, seed: int) -> list[str]:
    """The power goes while one request after the other is accepted."""
    return cut(60, seed, bug=bug).faults


def cut_power_in_groups(_folder: Path, bug: str | None, seed: int) -> list[str]:
    """The power goes while requests share their commits."""
    return cut(60, seed, threads=8, bug=bug).faults
