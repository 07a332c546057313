import hashlib
import lzma
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.adapters.parcel import open_parcel
from setupdesk.core.errors import ClockNeededError, InvalidImportError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.data_set import ImportedBars
from tests.adapters.vendor_files import lines_of, text, zipped

CATALOGUE = load_catalogue()
REAL = Path(__file__).parents[2].parent / "shared/data/raw"
HEADER = "ts,open,high,low,close,volume"
LINES = lines_of("1000")


def import_folder(
    folder: Path, symbol: str = "GER40", timeframe: Timeframe = Timeframe.M15
) -> ImportedBars:
    with open_parcel([folder], lambda *_: None) as parcel:
        raw = b"".join(parcel.chunks("", lambda *_: None))
    known = CATALOGUE[symbol]
    return read_bars(raw, parcel.name, known, timeframe, folder=True, catalogue=CATALOGUE)


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def draw_hour(first: float) -> bytes:
    ticks = [(minute * 60_000, first + minute / 10_000) for minute in range(60)]
    packed = b"".join(
        struct.pack(">3I2f", at, round((bid + 0.0001) * 1e5), round(bid * 1e5), 1, 1)
        for at, bid in ticks
    )
    return lzma.compress(packed, lzma.FORMAT_ALONE)


def test_dukascopy_files_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "EURUSD",
        {
            "2025/03/02/09h_ticks.bi5": draw_hour(1.08),
            "2025/03/02/10h_ticks.bi5": draw_hour(1.09),
            "2025/03/03/09h_ticks.bi5": draw_hour(1.10),
            "2025/03/03/10h_ticks.bi5": b"",
        },
    )

    whole = import_folder(folder, "EURUSD", Timeframe.M1)
    month = import_folder(folder / "2025/03", "EURUSD", Timeframe.M1)

    assert whole.source_format == "Dukascopy bi5"
    assert whole.source_file == "EURUSD (4 files)"
    assert len(whole.bars) == 180
    assert whole.bars.open[::60].tolist() == [108_000, 109_000, 110_000]
    assert month.bars.fingerprint() == whole.bars.fingerprint()


def test_lean_files_have_their_clock_in_the_folders_above(tmp_path: Path) -> None:
    bars = (
        b"28800000,22000,22010,21990,22005,0,22001,22011,21991,22006,0",
        b"29700000,22005,22020.3,22000,22015,0,22006,22021.3,22001,22016,0",
    )
    lines = b"\n".join(bars)
    files = {
        f"202503{day}_quote.zip": zipped({f"202503{day}_de30eur_minute_quote.csv": lines})
        for day in (27, 28)
    }

    imported = import_folder(fill(tmp_path / "cfd/oanda/minute/de30eur", files))

    assert (imported.source_format, imported.clock) == ("LEAN", "UTC")
    assert imported.clock_found == "said by the file or its format"
    assert len(imported.bars) == 4
    with pytest.raises(ClockNeededError, match=r"^de30eur \(2 files\) was not imported"):
        import_folder(fill(tmp_path / "cfd/other/minute/de30eur", files))


def test_one_file_that_cannot_be_read_refuses_all_and_is_named(tmp_path: Path) -> None:
    files = {"a.csv": text(HEADER, LINES), "deep/broken.csv": b"hello, world"}

    with pytest.raises(
        InvalidImportError, match=r"^bars/deep/broken.csv was not imported: Its format"
    ):
        import_folder(fill(tmp_path / "bars", files))
    with pytest.raises(
        InvalidImportError, match=r"^bars/deep/broken.csv was not imported: It is empty"
    ):
        import_folder(fill(tmp_path / "bars", files | {"deep/broken.csv": b""}))


def test_what_is_skipped_in_an_archive_of_the_folder_is_named(tmp_path: Path) -> None:
    inner = {"a.csv": text(HEADER, LINES), "README.txt": b"hi", "__MACOSX/._a.csv": b"x"}

    imported = import_folder(fill(tmp_path / "bars", {"a.zip": zipped(inner)}))

    assert imported.skipped == (
        ("bars/a.zip/README.txt", "not a file of bars"),
        ("bars/a.zip/__MACOSX/._a.csv", "hidden"),
    )


def test_files_of_two_symbols_are_refused(tmp_path: Path) -> None:
    files = {"GER40.csv": text(HEADER, LINES), "UK100.csv": text(HEADER, LINES)}

    with pytest.raises(InvalidImportError, match="A data set is of one symbol"):
        import_folder(fill(tmp_path / "bars", files))


def test_the_sha256_of_a_folder_can_be_made_again_in_a_shell(tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "bars", {"a.csv": text(HEADER, LINES[:2]), "b.csv": text(HEADER, LINES[1:])}
    )

    imported = import_folder(folder)

    listing = subprocess.run(
        ["/usr/bin/env", "sha256sum", "bars/a.csv", "bars/b.csv"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    assert imported.source_sha256 == hashlib.sha256(listing).hexdigest()


def test_a_folder_that_is_no_archive_is_refused() -> None:
    with pytest.raises(InvalidImportError, match="not a folder in a zip archive"):
        read_bars(b"time,open", "bars", CATALOGUE["GER40"], Timeframe.M15, folder=True)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real files in ../shared/data")
@pytest.mark.parametrize(
    ("name", "symbol", "rows"),
    [
        ("lean__Data_cfd_oanda_minute_de30eur", "GER40", 3_638),
        ("lean__Data_cfd_oanda_minute_xauusd", "XAUUSD", 15_222),
    ],
)
def test_real_folders_of_lean_are_one_data_set(name: str, symbol: str, rows: int) -> None:
    imported = import_folder(REAL / name, symbol, Timeframe.M1)

    assert (imported.source_format, imported.clock, len(imported.bars)) == ("LEAN", "UTC", rows)
    assert imported.warnings == ()


def test_one_file_of_dukascopy_alone_is_told_by_the_folders_of_its_path(tmp_path: Path) -> None:
    path = "EURUSD/2025/03/02/09h_ticks.bi5"
    folder = fill(tmp_path, {path: draw_hour(1.08)})

    imported = import_folder(folder / path, "EURUSD", Timeframe.M1)

    assert imported.source_file == "02/09h_ticks.bi5"
    assert imported.bars.time[0] == 1_743_584_400_000
    assert len(imported.bars) == 60
