import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from setupdesk.adapters.bar_store import BarStore
from setupdesk.core.errors import BarsDisagreeError, InvalidImportError, MissingBarsError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts

FACTS = Facts(
    source_file="ger40.csv",
    source_format="CSV with a header",
    source_sha256="ab" * 32,
    imported_at=datetime(2025, 10, 31, 12, tzinfo=UTC),
    quality={"duplicates": 2},
)
SIMULATED = Facts(
    source_file="simulated",
    source_format="simulated",
    source_sha256="",
    imported_at=datetime(2025, 10, 31, 12, tzinfo=UTC),
    seed=7,
    quality={},
)


def draw_bars(
    first: int = 0, count: int = 4, shift: int = 0, timeframe: Timeframe = Timeframe.M15
) -> Bars:
    rows = np.arange(first, first + count, dtype=np.int64)
    price = 200_000 + 10 * rows + shift
    times = 1_735_804_800_000 + rows * timeframe.milliseconds
    volume = np.full(count, np.nan)
    return Bars(timeframe, 0.1, times, price, price + 5, price - 5, price + 1, volume)


def test_what_was_saved_is_loaded_again(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), draw_bars()

    saved = store.save("GER40", bars, FACTS)
    loaded = store.load("GER40", Timeframe.M15)

    assert (saved.outcome, saved.added, saved.disagreeing) == ("created", 4, 0)
    assert loaded.fingerprint() == bars.fingerprint() == saved.manifest.fingerprint


def test_the_times_of_a_version_are_read_without_its_other_columns(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), draw_bars()
    fingerprint = store.save("GER40", bars, FACTS).manifest.fingerprint
    version = tmp_path / "GER40/M15" / fingerprint
    for path in set(version.iterdir()) - {version / "time.npy"}:
        path.unlink()

    times = store.load_times("GER40", Timeframe.M15, fingerprint)

    assert times.tolist() == bars.time.tolist()
    assert [path.name for path in version.iterdir()] == ["time.npy"]
    with pytest.raises(MissingBarsError):
        store.load_times("GER40", Timeframe.M5, fingerprint)


def test_columns_are_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(), FACTS)

    loaded = store.load("GER40", Timeframe.M15)

    assert isinstance(loaded.close.base, np.memmap)
    assert not loaded.close.flags.writeable
    assert loaded.close.flags.c_contiguous


def test_the_manifest_tells_where_the_bars_come_from(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), draw_bars()
    store.save("GER40", bars, FACTS)

    written = json.loads((tmp_path / "GER40/M15/manifest.json").read_bytes())

    assert written == {
        "symbol": "GER40",
        "timeframe": "M15",
        "tick": 0.1,
        "rows": 4,
        "first": "2025-01-02T08:00:00+00:00",
        "last": "2025-01-02T08:45:00+00:00",
        "source_file": "ger40.csv",
        "source_format": "CSV with a header",
        "source_sha256": "ab" * 32,
        "clock": "UTC",
        "simulated": False,
        "seed": None,
        "fingerprint": bars.fingerprint(),
        "merged_into": None,
        "imported_at": "2025-10-31T12:00:00+00:00",
        "quality": {"duplicates": 2},
        "warnings": [],
        "sources": [
            {
                "source_file": "ger40.csv",
                "source_format": "CSV with a header",
                "source_sha256": "ab" * 32,
                "clock": "UTC",
                "clock_found": "",
                "imported_at": "2025-10-31T12:00:00+00:00",
                "rows": 4,
                "first": "2025-01-02T08:00:00+00:00",
                "last": "2025-01-02T08:45:00+00:00",
                "warnings": [],
            }
        ],
    }


def test_the_same_bars_again_change_nothing(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    first = store.save("GER40", draw_bars(), FACTS)

    again = store.save("GER40", draw_bars(), FACTS)

    assert again.outcome == "unchanged"
    assert again.manifest == first.manifest
    assert store.find_manifest("GER40", Timeframe.M15) == first.manifest


def test_a_later_file_is_merged_and_the_old_version_stays(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    first = store.save("GER40", draw_bars(0, 4), FACTS)

    second = store.save("GER40", draw_bars(2, 4), FACTS)

    old = store.load("GER40", Timeframe.M15, first.manifest.fingerprint)
    assert (second.outcome, second.added, second.disagreeing) == ("merged", 2, 0)
    assert second.manifest.merged_into == first.manifest.fingerprint
    assert store.load("GER40", Timeframe.M15).fingerprint() == draw_bars(0, 6).fingerprint()
    assert old.fingerprint() == draw_bars(0, 4).fingerprint()


def test_an_earlier_file_is_merged_in_order(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(10, 4), FACTS)

    store.save("GER40", draw_bars(0, 4), FACTS)

    times = store.load("GER40", Timeframe.M15).time
    assert len(times) == 8
    assert bool(np.all(np.diff(times) > 0))


def test_bars_that_disagree_are_counted_and_the_new_file_wins(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 4), FACTS)

    saved = store.save("GER40", draw_bars(3, 4, shift=1), FACTS)

    loaded = store.load("GER40", Timeframe.M15)
    assert (saved.added, saved.disagreeing) == (3, 1)
    assert saved.manifest.quality == {"duplicates": 2, "disagreeing": 1}
    assert loaded.open.tolist()[2:4] == [200_020, 200_031]


def test_a_part_of_what_is_stored_changes_nothing(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 8), FACTS)

    saved = store.save("GER40", draw_bars(2, 3), FACTS)

    assert saved.outcome == "unchanged"


def test_real_bars_replace_simulated_ones(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 8), SIMULATED)

    saved = store.save("GER40", draw_bars(4, 8), FACTS)

    assert saved.outcome == "replaced"
    assert not saved.manifest.simulated
    assert store.load("GER40", Timeframe.M15).fingerprint() == draw_bars(4, 8).fingerprint()


def test_simulated_bars_never_touch_real_ones(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    real = store.save("GER40", draw_bars(0, 4), FACTS)

    with pytest.raises(InvalidImportError, match="real bars of GER40 M15 are stored already"):
        store.save("GER40", draw_bars(4, 4), SIMULATED)

    assert store.find_manifest("GER40", Timeframe.M15) == real.manifest


def test_another_simulation_replaces_the_one_before(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 4), SIMULATED)

    saved = store.save("GER40", draw_bars(0, 6, shift=3), SIMULATED)

    assert (saved.outcome, saved.manifest.rows, saved.manifest.seed) == ("replaced", 6, 7)


def test_bars_of_another_tick_are_refused(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), draw_bars(4, 4)
    store.save("GER40", draw_bars(0, 4), FACTS)
    coarse = Bars(
        bars.timeframe, 1.0, bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume
    )

    with pytest.raises(InvalidImportError, match=r"count in ticks of 0\.1, these in 1"):
        store.save("GER40", coarse, FACTS)


def test_a_file_without_bars_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidImportError, match="no bars"):
        BarStore(tmp_path).save("GER40", draw_bars(0, 0), FACTS)


@pytest.mark.parametrize("fingerprint", [None, "0" * 64, "../../GER40", ""])
def test_bars_that_are_not_stored_are_missing(tmp_path: Path, fingerprint: str | None) -> None:
    with pytest.raises(MissingBarsError):
        BarStore(tmp_path).load("GER40", Timeframe.M15, fingerprint)


def test_a_timeframe_is_made_from_itself_or_else_from_the_finest(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    for timeframe in (Timeframe.M1, Timeframe.M5, Timeframe.H1):
        store.save("GER40", draw_bars(timeframe=timeframe), FACTS)

    found = {timeframe: store.find_source("GER40", timeframe) for timeframe in Timeframe}

    sources = {timeframe: each.timeframe for timeframe, each in found.items() if each}
    assert sources == {
        Timeframe.M1: Timeframe.M1,
        Timeframe.M5: Timeframe.M5,
        Timeframe.M15: Timeframe.M1,
        Timeframe.H1: Timeframe.H1,
        Timeframe.H4: Timeframe.M1,
        Timeframe.D1: Timeframe.M1,
    }


def test_fine_bars_are_never_made_from_coarse_ones(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(timeframe=Timeframe.H1), FACTS)

    found = store.find_source("GER40", Timeframe.M15)

    assert found is None


def test_all_data_sets_are_listed(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    for symbol, timeframe in (("US500", "M1"), ("GER40", "H1"), ("GER40", "M15")):
        store.save(symbol, draw_bars(timeframe=Timeframe(timeframe)), FACTS)

    listed = [(manifest.symbol, manifest.timeframe.value) for manifest in store.manifests()]

    assert listed == [("GER40", "M15"), ("GER40", "H1"), ("US500", "M1")]


def test_an_empty_store_has_no_data_sets(tmp_path: Path) -> None:
    assert BarStore(tmp_path / "none").manifests() == []


def test_what_a_crash_left_behind_is_removed_by_the_next_import(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    leftover = tmp_path / "GER40/M15/.draft-dead"
    leftover.mkdir(parents=True)
    (leftover / "time.npy").write_bytes(b"half")

    store.save("GER40", draw_bars(), FACTS)

    assert not leftover.exists()
    assert len(store.load("GER40", Timeframe.M15)) == 4


def test_lost_columns_are_made_again_from_the_archive(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), draw_bars()
    version = tmp_path / "GER40/M15" / store.save("GER40", bars, FACTS).manifest.fingerprint
    for column in version.glob("*.npy"):
        column.unlink()

    loaded = store.load("GER40", Timeframe.M15)

    assert loaded.fingerprint() == bars.fingerprint()
    assert len(list(version.glob("*.npy"))) == 6


def test_an_archive_of_other_bars_is_not_taken_for_the_version(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    folder = tmp_path / "GER40/M15"
    old = folder / store.save("GER40", draw_bars(), FACTS).manifest.fingerprint
    new = folder / store.save("GER40", draw_bars(shift=7), FACTS).manifest.fingerprint
    (new / "bars.parquet").write_bytes((old / "bars.parquet").read_bytes())
    (new / "open.npy").unlink()

    with pytest.raises(MissingBarsError):
        store.load("GER40", Timeframe.M15)


def test_what_is_deleted_is_gone_with_all_its_versions(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    first = store.save("GER40", draw_bars(), FACTS).manifest
    store.save("GER40", draw_bars(first=4), FACTS)
    store.save("GER40", draw_bars(timeframe=Timeframe.H1), FACTS)
    assert len(store.find_versions("GER40", Timeframe.M15)) == 2

    count = store.delete("GER40", Timeframe.M15)

    assert count == 2
    assert [each.timeframe for each in store.manifests()] == [Timeframe.H1]
    assert store.find_versions("GER40", Timeframe.M15) == []
    with pytest.raises(MissingBarsError):
        store.load("GER40", Timeframe.M15, first.fingerprint)
    assert store.delete("GER40", Timeframe.M15) == store.delete("UK100", Timeframe.M15) == 0
    assert store.save("GER40", draw_bars(), FACTS).outcome == "created"


def test_bars_that_are_mapped_survive_their_deletion(tmp_path: Path) -> None:
    store, bars = BarStore(tmp_path), draw_bars()
    store.save("GER40", bars, FACTS)
    mapped = store.load("GER40", Timeframe.M15)

    store.delete("GER40", Timeframe.M15)

    assert mapped.fingerprint() == bars.fingerprint()


def test_a_file_that_contradicts_most_stored_bars_is_refused_and_changes_nothing(
    tmp_path: Path,
) -> None:
    store = BarStore(tmp_path)
    first = store.save("GER40", draw_bars(0, 400), FACTS)
    wrong_clock = draw_bars(0, 396)
    wrong_clock = replace(wrong_clock, time=wrong_clock.time + 3_600_000)

    with pytest.raises(BarsDisagreeError) as refused:
        store.save("GER40", wrong_clock, FACTS, zone="Europe/Berlin")

    error = refused.value
    assert (error.code, error.disagreeing, error.shared) == ("bars_disagree", 396, 396)
    assert list(error.days) == [
        "2025-01-02",
        "2025-01-03",
        "2025-01-04",
        "2025-01-05",
        "2025-01-06",
    ]
    assert "396 of its bars are stored already, 396 of them with other prices" in str(error)
    assert "The same prices are stored 1 hour earlier" in str(error)
    assert "--replace" in str(error)
    assert store.find_manifest("GER40", Timeframe.M15) == first.manifest
    assert len(store.find_versions("GER40", Timeframe.M15)) == 1


def test_only_the_first_days_of_a_long_disagreement_are_named(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 1000), FACTS)

    with pytest.raises(BarsDisagreeError, match="2025-01-06 and 6 more days") as refused:
        store.save("GER40", draw_bars(0, 1000, shift=9), FACTS)

    assert len(refused.value.days) == 11


def test_bars_replace_the_stored_ones_when_that_is_asked_for(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    old = store.save("GER40", draw_bars(0, 400), FACTS).manifest
    other = replace(FACTS, source_file="other.csv")

    saved = store.save("GER40", draw_bars(100, 50, shift=5), other, replaces=True)
    again = store.save("GER40", draw_bars(100, 50, shift=5), other, replaces=True)

    assert (saved.outcome, saved.added, saved.manifest.rows) == ("replaced", 50, 50)
    assert saved.manifest.source_names == "other.csv"
    assert saved.manifest.merged_into is None
    assert again.outcome == "unchanged"
    assert len(store.load("GER40", Timeframe.M15, old.fingerprint)) == 400
    with pytest.raises(InvalidImportError, match="real bars of GER40 M15 are stored already"):
        store.save("GER40", draw_bars(0, 4), SIMULATED, replaces=True)


def test_bars_of_another_tick_can_replace_the_stored_ones(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 4), FACTS)

    saved = store.save("GER40", replace(draw_bars(0, 4), tick=1.0), FACTS, replaces=True)

    assert (saved.outcome, saved.manifest.tick) == ("replaced", 1.0)


def test_bars_replace_nothing_where_there_are_none(tmp_path: Path) -> None:
    saved = BarStore(tmp_path).save("GER40", draw_bars(0, 4), FACTS, replaces=True)

    assert saved.outcome == "created"


def test_days_of_a_few_bars_that_disagree_are_named(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 400), FACTS)
    bars = draw_bars(0, 400)
    bars.high[[0, 1, 200]] += 3

    saved = store.save("GER40", bars, FACTS)

    assert (saved.outcome, saved.disagreeing, saved.added) == ("merged", 3, 0)
    assert [str(day) for day in saved.disagreeing_days] == ["2025-01-02", "2025-01-04"]


def test_a_merged_data_set_names_every_source_with_what_it_brought(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    second = replace(
        FACTS,
        source_file="second.csv",
        source_sha256="cd" * 32,
        clock="NY+7",
        clock_found="declared",
        warnings=("Strange hours.",),
    )
    third = replace(FACTS, source_file="third.csv", warnings=("A jump.", "Strange hours."))

    store.save("GER40", draw_bars(0, 4), FACTS)
    store.save("GER40", draw_bars(3, 4), second)
    manifest = store.save("GER40", draw_bars(0, 8), third).manifest

    assert [(one.source_file, one.rows, one.clock) for one in manifest.sources] == [
        ("ger40.csv", 4, "UTC"),
        ("second.csv", 3, "NY+7"),
        ("third.csv", 1, "UTC"),
    ]
    assert f"{manifest.sources[1].first:%H:%M} {manifest.sources[1].last:%H:%M}" == "09:00 09:30"
    assert manifest.sources[1].clock_found == "declared"
    assert manifest.warnings == ("Strange hours.", "A jump.")
    assert manifest.warn() == [
        "second.csv: Strange hours.",
        "third.csv: A jump.",
        "third.csv: Strange hours.",
    ]
    assert (manifest.source_names, manifest.clocks) == (
        "ger40.csv, second.csv, third.csv",
        "UTC, NY+7",
    )
    assert store.find_manifest("GER40", Timeframe.M15) == manifest


def test_many_bars_that_disagree_are_warned_of_for_as_long_as_they_stand(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    store.save("GER40", draw_bars(0, 400), FACTS)
    bars = draw_bars(0, 400)
    bars.high[:40] += 3

    saved = store.save("GER40", bars, FACTS)

    [warning] = saved.manifest.warnings
    assert saved.manifest.sources[1].warnings == (warning,)
    assert warning.startswith("40 of its bars were stored with other prices before. Half of these")
    assert saved.cause in warning


def test_the_order_of_imports_changes_no_bar(tmp_path: Path) -> None:
    parts = [draw_bars(0, 4), draw_bars(2, 4), draw_bars(5, 9)]
    fingerprints = set()

    for order in itertools.permutations(range(3)):
        store = BarStore(tmp_path / "".join(map(str, order)))
        for number in order:
            store.save("GER40", parts[number], FACTS)
        fingerprints.add(store.load("GER40", Timeframe.M15).fingerprint())

    assert fingerprints == {draw_bars(0, 14).fingerprint()}


def test_a_manifest_of_an_older_desk_has_no_warnings_and_names_one_source(tmp_path: Path) -> None:
    store = BarStore(tmp_path)
    saved = store.save("GER40", draw_bars(), FACTS)
    path = tmp_path / "GER40/M15/manifest.json"
    old = json.loads(path.read_text())
    del old["warnings"], old["sources"]
    path.write_text(json.dumps(old))

    assert store.find_manifest("GER40", Timeframe.M15) == saved.manifest
