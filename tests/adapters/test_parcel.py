import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

from setupdesk.adapters.parcel import MAX_BYTES, open_parcel
from setupdesk.core.errors import InvalidImportError

NOBODY = 65_534


class Told(NamedTuple):
    stage: str
    done: int
    total: int


def look(*paths: Path) -> tuple[str, dict[str, bytes], dict[str, str]]:
    """Give name, files and what was skipped of a parcel that is a folder."""
    with open_parcel(paths, lambda *_: None) as parcel:
        assert parcel.is_folder
        with ZipFile(parcel.content) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        return parcel.name, files, dict(parcel.skipped)


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody, for to root nothing is forbidden."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def closed() -> Iterator[Path]:
    """Give a folder in which a file and a folder may not be read."""
    with tempfile.TemporaryDirectory() as name:
        folder = fill(Path(name), "a.csv", "closed.csv", "closed/b.csv")
        folder.chmod(0o755)
        (folder / "closed.csv").chmod(0)
        (folder / "closed").chmod(0)
        yield folder
        (folder / "closed").chmod(0o700)


def test_a_file_goes_as_it_is(tmp_path: Path) -> None:
    file = fill(tmp_path, "deep/down/a.csv") / "deep/down/a.csv"
    told: list[Told] = []

    with open_parcel([file], lambda *each: told.append(Told(*each))) as parcel:
        sent = b"".join(parcel.chunks("sending", lambda *each: told.append(Told(*each))))

    assert (parcel.name, parcel.is_folder, parcel.size) == ("a.csv", False, 15)
    assert sent == b"deep/down/a.csv"
    assert told == [("sending", 15, 15)]


def test_a_folder_goes_with_its_paths_and_some_folders_above(tmp_path: Path) -> None:
    folder = fill(tmp_path / "Data/cfd/oanda/minute/de30eur", "1.zip", "sub/2.zip")

    name, files, skipped = look(folder)

    assert name == "cfd/oanda/minute/de30eur"
    assert files == {"1.zip": b"1.zip", "sub/2.zip": b"sub/2.zip"}
    assert skipped == {}


def test_reading_a_folder_is_told_in_bytes(tmp_path: Path) -> None:
    told: list[Told] = []

    with open_parcel([fill(tmp_path, "a", "bc")], lambda *each: told.append(Told(*each))):
        pass

    assert told == [("reading", 1, 3), ("reading", 3, 3)]


def test_the_same_files_are_the_same_parcel(tmp_path: Path) -> None:
    digests = []
    for moment, names in ((1_000_000_000, ("a.csv", "b.csv")), (1_700_000_000, ("b.csv", "a.csv"))):
        folder = fill(tmp_path / str(moment), *names)
        os.utime(folder / "a.csv", (moment, moment))
        with open_parcel([folder], lambda *_: None) as parcel:
            digests.append(hashlib.sha256(b"".join(parcel.chunks("", lambda *_: None))).digest())

    assert digests[0] == digests[1]


def test_what_is_not_bars_is_left_out_with_its_reason(tmp_path: Path) -> None:
    outside = fill(tmp_path / "outside", "secret.csv")
    folder = fill(
        tmp_path / "folder",
        *("GER40.csv", ".DS_Store", "README.md", "GER40.csv.sha256", ".git/config"),
        *("DAT_1.csv", "DAT_1.txt", "deep/__MACOSX/x"),
    )
    (folder / "passwords.csv").symlink_to(outside / "secret.csv")
    (folder / "linked").symlink_to(outside)
    (folder / "again").symlink_to(folder / "deep")
    (folder / "same.csv").symlink_to(folder / "GER40.csv")
    (folder / "nowhere.csv").symlink_to(folder / "missing.csv")
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe.csv")

    _, files, skipped = look(folder)

    assert sorted(files) == ["DAT_1.csv", "GER40.csv", "same.csv"]
    assert files["same.csv"] == b"GER40.csv"
    assert skipped == {
        ".DS_Store": "hidden",
        ".git": "hidden",
        "README.md": "not a file of bars",
        "GER40.csv.sha256": "a checksum",
        "DAT_1.txt": "a report beside its .csv",
        "deep/__MACOSX": "hidden",
        "passwords.csv": "a link out of the folder",
        "linked": "a link out of the folder",
        "again": "a link to a folder",
        "nowhere.csv": "not a regular file",
        "loop": "not a regular file",
        "pipe.csv": "not a regular file",
    }


def test_several_files_and_folders_are_one_parcel_below_what_they_share(tmp_path: Path) -> None:
    folder = fill(tmp_path / "2025", "01/a.csv", "02/b.csv", "02/c.csv", "03/d.csv")

    name, files, _ = look(folder / "01/a.csv", folder / "02")

    assert name.endswith("/2025")
    assert sorted(files) == ["01/a.csv", "02/b.csv", "02/c.csv"]


def test_a_file_that_is_given_twice_goes_once(tmp_path: Path) -> None:
    folder = fill(tmp_path, "a.csv", "b.csv")

    _, files, _ = look(folder / "a.csv", folder)

    assert sorted(files) == ["a.csv", "b.csv"]


def test_a_name_that_is_no_text_is_written_as_well_as_it_can_be(tmp_path: Path) -> None:
    folder = fill(tmp_path, "a.csv")
    (folder / os.fsdecode(b"\xff.csv")).write_bytes(b"x")

    _, files, _ = look(folder)

    assert sorted(files) == ["a.csv", "\ufffd.csv"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "folder was not imported: it is empty. Give the folder that has the files"),
        (("README.md", ".x"), r"it has no files of bars, only \.x, README.md\."),
    ],
)
def test_a_folder_without_bars_is_refused(
    tmp_path: Path, names: tuple[str, ...], reason: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    fill(folder, *names)

    with pytest.raises(InvalidImportError, match=reason):
        look(folder)


def test_more_than_a_desk_takes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(InvalidImportError, match="more than the 256 MiB that a desk takes"):
        look(tmp_path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("closed.csv", "closed.csv"),
        ("closed", ".*/closed"),
        ("", "(closed.csv|.*/closed)"),
        ("closed/b.csv", ".*/closed/b.csv"),
    ],
)
def test_what_may_not_be_read_is_named(closed: Path, path: str, name: str) -> None:
    with (
        unprivileged(),
        pytest.raises(
            InvalidImportError, match=f"^{name} was not imported: it cannot be read: Permission"
        ),
        open_parcel([closed / path], lambda *_: None),
    ):
        pass


@pytest.mark.parametrize(
    "path",
    [
        "DEUIDXEUR/2025/04/06/BID_candles_min_1.bi5",
        "cfd/oanda/minute/de30eur/20190220_quote.zip",
        "cfd/oanda/minute/de30eur/20190220_de30eur_minute_quote.csv",
    ],
)
def test_a_single_file_that_its_folders_tell_of_goes_with_them(tmp_path: Path, path: str) -> None:
    folder, _, file = path.rpartition("/")

    name, files, skipped = look(fill(tmp_path, path) / path)

    assert (name, files, skipped) == (folder, {file: path.encode()}, {})
