"""A disk that loses its power: what a process wrote is recorded, and images of it are rebuilt.

What was not synced when the power went is kept, dropped, or torn at sectors of 512 bytes, in any
selection: writes and lengths of files, and names made or removed before their folder was synced.
"""

import json
import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.checks import Answer
from tests.faults.children import CHILD, ROOT, trace
from tests.faults.deliveries import Job

CALLS = ("openat", "pwrite64", "write", "fsync", "fdatasync", "ftruncate", "unlink", "rename")
SECTOR = 512
FOLDER = ""
"""The name of the home itself, whose sync makes names durable."""


@dataclass(frozen=True)
class Call:
    """One call that changed the disk, or said an answer."""

    kind: str
    name: str
    """Of the file in the home; ``answers`` for what the child said."""

    content: bytes = b""
    number: int = 0
    """Offset of a write, new length of a file, or the place of the call that began a sync."""


def record(job: Job, folder: Path) -> list[Call]:
    """Let a child accept *job*, and record what it did to its home and when it answered."""
    home, log, answers = Path(job.home), folder / "calls", folder / "answers"
    command = trace(home, log, CALLS, "-P", str(answers), "-y", "-xx", "-s", "1000000")
    with answers.open("w") as output:
        subprocess.run(
            [*command, *CHILD],
            input=job.to_line(),
            stdout=output,
            cwd=ROOT,
            text=True,
            timeout=300,
            check=True,
        )
    return list(read_calls(log.read_text(), home))


def read_calls(log: str, home: Path) -> Iterator[Call]:
    """Read strace's log; a call that others interrupted counts when it came back."""
    begun: dict[str, tuple[str, int]] = {}
    count = 0
    for line in log.splitlines():
        pid, _, words = line.partition(" ")
        words, began = words.strip(), count
        if words.endswith("<unfinished ...>"):
            begun[pid] = words.removesuffix("<unfinished ...>"), count
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", words):
            first, began = begun.pop(pid)
            words = first + resumed[1]
        if call := _read_call(words, home, began):
            count += 1
            yield call


def _read_call(words: str, home: Path, began: int) -> Call | None:
    made = re.match(r"(\w+)\((.*)\) += (\d+)", words)
    if not made or (made[1] == "openat" and "O_CREAT" not in made[2]):
        return None
    kind, said = made[1], made[2]
    texts = re.findall(r'[<"]((?:\\x\w\w)*)[>"]', said)
    content = [bytes.fromhex(text.replace("\\x", "")) for text in texts]
    # Of openat the first is the working folder; of the others it is the file.
    path = Path(content[1 if kind == "openat" else 0].decode())
    name = str(path.relative_to(home)) if path.is_relative_to(home) else path.name
    number = int(said.rpartition(", ")[2]) if kind in {"pwrite64", "ftruncate"} else began
    return Call(
        kind=_KINDS[kind],
        name=FOLDER if name == "." else name,
        content=content[1] if "write" in kind else b"",
        number=number,
    )


_KINDS = {
    "openat": "create",
    "fsync": "sync",
    "fdatasync": "sync",
    "pwrite64": "write",
    "write": "append",
    "ftruncate": "length",
    "unlink": "unlink",
}


@dataclass
class File:
    """What of a file is safe, and what has been done to it since."""

    safe: bytearray = field(default_factory=bytearray)
    length: int = 0
    pending: list[tuple[int, Call]] = field(default_factory=list)


@dataclass
class Disk:
    """The disk below a home, at one moment."""

    safe_names: dict[str, File]
    names: dict[str, File]
    pending: list[tuple[int, str, File | None]] = field(default_factory=list)
    """Names that were made, or removed, since the folder was synced."""

    count: int = 0
    answers: list[Answer] = field(default_factory=list)

    def take(self, call: Call) -> None:
        """Do one more call."""
        if call.name == "answers":
            said = json.loads(call.content) if call.content else {}
            self.answers += [said] if "number" in said else []
        elif call.kind == "create" and call.name not in self.names:
            self.names[call.name] = File()
            self.pending.append((self.count, call.name, self.names[call.name]))
        elif call.kind == "unlink":
            del self.names[call.name]
            self.pending.append((self.count, call.name, None))
        elif call.kind == "sync" and call.name == FOLDER:
            for _, name, file in _take_earlier(self.pending, call.number):
                change_name(self.safe_names, name, file)
        elif call.kind == "sync":
            file = self.names[call.name]
            for _, change in _take_earlier(file.pending, call.number):
                write(file.safe, change)
        elif call.kind != "create":
            self._change(self.names[call.name], call)
        self.count += 1

    def _change(self, file: File, call: Call) -> None:
        if call.kind == "append":
            call = Call("write", call.name, call.content, file.length)
        end = call.number + len(call.content)
        file.length = call.number if call.kind == "length" else max(file.length, end)
        file.pending.append((self.count, call))

    def build_image(self, home: Path, drawn: random.Random) -> None:
        """Write what may be left of the disk if the power went now."""
        home.mkdir(exist_ok=True)
        for old in home.iterdir():
            old.unlink()
        names, taste = dict(self.safe_names), draw_taste(drawn)
        for _, name, file in self.pending:
            if taste(drawn) > 0:
                change_name(names, name, file)
        for name, kept in names.items():
            content = bytearray(kept.safe)
            for _, change in kept.pending:
                share = taste(drawn)
                if share == 1:
                    write(content, change, drawn)
                elif share > 0:
                    tear(content, change, share, drawn)
            (home / name).write_bytes(content)
        if drawn.random() < 0.3:
            (home / "ledger.db-shm").write_bytes(drawn.randbytes(32768))


def mount(home: Path) -> Disk:
    """Take a home as it is, all of it safe."""
    files = {}
    for path in home.iterdir():
        content = path.read_bytes()
        files[path.name] = File(bytearray(content), len(content))
    return Disk(dict(files), dict(files))


def _take_earlier(pending: list[Any], number: int) -> list[Any]:
    """Take out what was done before a sync began: only that is certainly on the disk."""
    earlier = [one for one in pending if one[0] < number]
    pending[:] = pending[len(earlier) :]
    return earlier


def change_name(names: dict[str, File], name: str, file: File | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file


def write(content: bytearray, change: Call, drawn: random.Random | None = None) -> None:
    if change.kind == "length":
        content[change.number :] = bytes(max(change.number - len(content), 0))
        return
    gap = change.number - len(content)
    if gap > 0:
        # What lies between was never written: zeros, or whatever was on the disk before.
        content += drawn.randbytes(gap) if drawn and drawn.random() < 0.5 else bytes(gap)
    content[change.number : change.number + len(change.content)] = change.content


def tear(content: bytearray, change: Call, share: float, drawn: random.Random) -> None:
    """Write some sectors of a change, and the others not."""
    if change.kind == "length":
        return
    start, end = change.number, change.number + len(change.content)
    for sector in range(start // SECTOR * SECTOR, end, SECTOR):
        low, high = max(sector, start), min(sector + SECTOR, end)
        if drawn.random() < share:
            part = change.content[low - start : high - start]
            write(content, Call("write", change.name, part, low), drawn)


def draw_taste(drawn: random.Random) -> Any:
    """Draw how a power cut treats what was not synced: the share that is kept of each change."""
    kind = drawn.randrange(6)
    chance, torn = drawn.random(), drawn.random() * 0.3
    if kind == 0:
        return lambda _: 0.0
    if kind == 1:
        return lambda _: 1.0
    if kind == 2:
        # The first ones are kept: a disk that writes in order.
        left = [drawn.randrange(1, 40)]

        def in_order(_: random.Random) -> float:
            left[0] -= 1
            return 1.0 if left[0] > 0 else 0.5 if left[0] == 0 else 0.0

        return in_order

    def any_of(drawn: random.Random) -> float:
        if drawn.random() < torn:
            return drawn.uniform(0.1, 0.9)
        return 1.0 if drawn.random() < chance else 0.0

    return any_of


def cut_power(
    calls: Sequence[Call], before: Path, images: int, seed: int
) -> Iterator[tuple[int, Disk]]:
    """Give the disk at *images* moments, drawn by *seed*, in the order of time."""
    moments = sorted(random.Random(seed).choices(range(len(calls) + 1), k=images))
    disk = mount(before)
    for moment in moments:
        while disk.count < moment:
            disk.take(calls[disk.count])
        yield moment, disk
