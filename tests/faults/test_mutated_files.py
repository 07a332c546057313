"""Mutilated files give a typed error, or only such bars as stand in them untouched.

Text files are judged line by line: a bar that the sound file does not have may only come from
a line that the mutation made. Packed and binary files are judged by their records, or, where
the format has no checksum of its own, only counted.
"""

import gzip
import io
import random
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable

import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.core.errors import SetupdeskError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from tests.adapters.vendor_files import FILES, VendorFile

GER40 = load_catalogue()["GER40"]
SLOW = (".feather", ".parquet")
"""Each of them takes a process of its own."""

BINARY = (*SLOW, ".bi5")
"""Their bytes say nothing of the bars that they are in."""

RECORDS = re.compile(rb"[\r\n]+|\],|\},")
HEAD, SIZES = 148, {"GER4015.hst": 44, "new/GER4015.hst": 60}
LONGEST = 5.0
SEED = 20251031

Mutation = Callable[[bytes, random.Random], bytes]


def flip_a_bit(raw: bytes, drawn: random.Random) -> bytes:
    place = drawn.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ (1 << drawn.randrange(8))]) + raw[place + 1 :]


def replace_a_byte(raw: bytes, drawn: random.Random) -> bytes:
    place = drawn.randrange(len(raw))
    return (
        raw[:place]
        + drawn.choice(b"0123456789.,;:- \t\nTZeE+\x00\"'").to_bytes()
        + raw[place + 1 :]
    )


def delete_bytes(raw: bytes, drawn: random.Random) -> bytes:
    place = drawn.randrange(len(raw))
    return raw[:place] + raw[place + drawn.randint(1, 4) :]


def insert_bytes(raw: bytes, drawn: random.Random) -> bytes:
    place = drawn.randrange(len(raw) + 1)
    return raw[:place] + drawn.randbytes(drawn.randint(1, 4)) + raw[place:]


def cut_off(raw: bytes, drawn: random.Random) -> bytes:
    return raw[: drawn.randrange(len(raw))]


def swap_bytes(raw: bytes, drawn: random.Random) -> bytes:
    found = bytearray(raw)
    one, other = drawn.randrange(len(raw)), drawn.randrange(len(raw))
    found[one], found[other] = found[other], found[one]
    return bytes(found)


def delete_a_line(raw: bytes, drawn: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    del lines[drawn.randrange(len(lines))]
    return b"".join(lines)


def double_a_line(raw: bytes, drawn: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    place = drawn.randrange(len(lines))
    return b"".join([*lines[: place + 1], *lines[place:]])


def swap_lines(raw: bytes, drawn: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    drawn.shuffle(lines)
    return b"".join(lines)


def delete_a_field(raw: bytes, drawn: random.Random) -> bytes:
    found = list(re.finditer(rb"[^,;\t\n]*[,;\t]", raw))
    if not found:
        return raw
    field = drawn.choice(found)
    return raw[: field.start()] + raw[field.end() :]


def spoil_a_number(raw: bytes, drawn: random.Random) -> bytes:
    found = list(re.finditer(rb"\d+(\.\d+)?", raw))
    if not found:
        return raw
    number = drawn.choice(found)
    words = (b"nan", b"inf", b"-1", b"", b"1e308", b"0", b"9" * 30, b"null", b"x", b"1,5")
    return raw[: number.start()] + drawn.choice(words) + raw[number.end() :]


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_a_bit, replace_a_byte, delete_bytes, insert_bytes, cut_off, swap_bytes),
    *(delete_a_line, double_a_line, swap_lines, delete_a_field, spoil_a_number),
)


def read(raw: bytes, file: VendorFile, name: str | None = None) -> Bars:
    clock = "UTC" if file.is_wall and file.clock is None else None
    return read_bars(raw, name or file.name, GER40, Timeframe.M15, clock).bars


def rows_of(bars: Bars) -> set[tuple[int, ...]]:
    columns = (bars.time, bars.open, bars.high, bars.low, bars.close)
    return set(zip(*(column.tolist() for column in columns), strict=True))


def count_new_records(sound: bytes, mutant: bytes, file: VendorFile) -> int:
    """Count the records of *mutant* that the sound file does not have."""
    size = SIZES.get(file.name)
    if size:
        if len(mutant) != len(sound):
            return len(mutant)
        places = range(HEAD, len(sound), size)
        return sum(mutant[at : at + size] != sound[at : at + size] for at in places)
    return sum((Counter(RECORDS.split(mutant)) - Counter(RECORDS.split(sound))).values())


def judge(file: VendorFile, mutation: Mutation, drawn: random.Random) -> str:
    """Say what a mutant of *file* came to, after checking that it is nothing worse."""
    sound, packed = unwrap(file)
    content = mutation(sound, drawn)
    raw = packed(content)
    if not packed_as_it_is(file) and drawn.random() < 0.3:
        content, raw = sound, mutation(file.content, drawn)
    begun = time.perf_counter()
    try:
        bars = read(raw, file)
    except SetupdeskError:
        return "refused"
    finally:
        assert time.perf_counter() - begun < LONGEST, (file.name, mutation.__name__, raw)
    foreign = rows_of(bars) - rows_of(read(file.content, file))
    if not foreign:
        return "identical" if len(bars) == 3 else "fewer bars"
    if file.name.endswith(BINARY):
        return "other bars, no checksum"
    made = count_new_records(sound, content, file)
    assert len(foreign) <= made, (file.name, mutation.__name__, raw, foreign)
    return "other bars, from the line that was changed"


def packed_as_it_is(file: VendorFile) -> bool:
    return not file.name.endswith((".gz", ".zip"))


def unwrap(file: VendorFile) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Give what is inside the archive, and how to pack it again."""
    if file.name.endswith(".gz"):
        return gzip.decompress(file.content), gzip.compress
    if not file.name.endswith(".zip"):
        return file.content, lambda raw: raw
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        [name] = archive.namelist()
        inside = archive.read(name)

    def pack(raw: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as packed:
            packed.writestr(name, raw)
        return buffer.getvalue()

    return inside, pack


def mutate(files: tuple[VendorFile, ...], count: int, seed: int) -> Counter[str]:
    drawn = random.Random(seed)
    return Counter(judge(drawn.choice(files), drawn.choice(MUTATIONS), drawn) for _ in range(count))


QUICK = tuple(file for file in FILES if not file.name.endswith(SLOW))
TEXTS = tuple(
    file for file in QUICK if not file.name.endswith((".bi5", ".hst", ".gz", ".zip", ".json"))
)


def test_mutilated_files_are_refused_or_read_as_they_are() -> None:
    found = mutate(QUICK, 600, SEED)

    assert found["refused"] > 200
    assert found["identical"] > 20


@pytest.mark.faults
def test_ten_thousand_mutilated_files_are_refused_or_read_as_they_are() -> None:
    slow = tuple(file for file in FILES if file.name.endswith(SLOW))

    found = mutate(QUICK, 9_700, SEED + 1) + mutate(slow, 300, SEED + 2)

    print(dict(found))
    assert found.total() == 10_000


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_what_an_editor_or_an_archive_does_to_a_text_changes_no_bar(file: VendorFile) -> None:
    is_utf16 = b"\0" in file.content
    encoding = "utf-16" if is_utf16 else "utf-8"
    text = file.content.decode("utf-16-le" if file.name.endswith("no_mark.csv") else encoding)
    sound = rows_of(read(file.content, file))

    variants = {
        "no last newline": text.rstrip("\n").encode(encoding),
        "lines of Windows": text.replace("\n", "\r\n").encode(encoding),
        "blank lines at the end": (text + "\n\n").encode(encoding),
        "a mark of the encoding": text.encode("utf-16" if is_utf16 else "utf-8-sig"),
        "another encoding": text.encode("utf-16"),
    }
    packed = {f"{file.name}.gz": gzip.compress(file.content)}

    for said, raw in variants.items():
        assert rows_of(read(raw, file)) == sound, said
    for name, raw in packed.items():
        assert rows_of(read(raw, file, name)) == sound
