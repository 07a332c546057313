"""Backups of a real home, restored; and backups that are damaged, forged or of another time."""

import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from alembic import command
from alembic.config import Config

from setupdesk.adapters import clock
from setupdesk.adapters.archive import CONTENTS
from setupdesk.adapters.ledger import database
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.database import open_as_it_is, open_database, writing
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.repairs import Repairs
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.tables import HEAD
from setupdesk.adapters.result_store import ResultStore
from setupdesk.app.queries import Queries
from setupdesk.core.errors import HomeInUseError, InvalidBackupError, NotFoundError
from setupdesk.core.run import Door
from setupdesk.supervisor import keeping_down
from setupdesk.upkeep.backup import ROOTS, back_up
from setupdesk.upkeep.restore import restore
from tests.commands import run_command
from tests.conftest import KERNELS
from tests.upkeep.homes import (
    REQUEST,
    build_home,
    change,
    find_not_ok,
    list_files,
    settings_of,
)


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    back_up(settings_of(home), tmp_path / "desk.tar.gz")
    return tmp_path / "desk.tar.gz"


def runs_of(home: Path) -> dict[str, str]:
    rows = Reads(open_database(home / "ledger.db")).load_runs(100)
    return {row["run_id"]: row["state"] for row in rows}


def test_a_backup_restores_the_same_desk_into_an_empty_home(
    home: Path, file: Path, tmp_path: Path
) -> None:
    first, second, third = sorted(runs_of(home))

    done = restore(settings_of(tmp_path / "new"), file)

    assert list_files(tmp_path / "new") == list_files(home)
    assert (done["runs"], done["under_way"], done["set_aside"]) == (3, [second], None)
    assert done["damaged"] == []
    states = runs_of(tmp_path / "new")
    assert (states[first], states[third]) == ("completed", "queued")
    assert states[second] in ("crashed", "queued")
    assert set(find_not_ok(tmp_path / "new")) <= {"repairs"}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    ledger = open_database(tmp_path / "new/ledger.db")
    results = ResultStore(tmp_path / "new/runs")
    queries = Queries(Reads(ledger), results, Repairs(ledger, clock.now))
    assert queries.result(first)["trades"] == []


def test_a_backup_is_its_owners_alone_and_says_what_is_not_in_it(home: Path, file: Path) -> None:
    (home / "api.key").write_text("sdk_secret")
    (home / "prefect").mkdir()
    (home / "prefect/prefect.db").write_text("secret")

    done = back_up(settings_of(home), file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert {"api.key", "prefect.key", "prefect"} <= set(done["left_out"])
    assert b"secret" not in gzip.decompress(file.read_bytes())
    assert done["faults"] == []
    assert [path for path in file.parent.iterdir() if path not in (home, file)] == []


def test_bars_may_be_left_out_and_then_those_of_the_home_stay(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "small.tar.gz"
    back_up(settings_of(home), file, with_bars=False)
    (home / "bars/MINE/M1/later").write_text("later")

    done = restore(settings_of(home), file, replaces=True)

    assert done["bars"] is False
    assert (home / "bars/MINE/M1/later").read_text() == "later"


def test_what_is_there_is_set_aside_only_on_demand(home: Path, file: Path) -> None:
    (home / "prefect").mkdir()
    (home / "prefect/prefect.db").write_text("old")
    (home / "api.key").write_text("kept")
    before = list_files(home)

    with pytest.raises(HomeInUseError, match=r"has ledger.db.*--replace"):
        restore(settings_of(home), file)
    unchanged = list_files(home)
    aside = Path(restore(settings_of(home), file, replaces=True)["set_aside"])

    assert unchanged == before
    assert aside.parent == home
    assert (aside / "prefect/prefect.db").read_text() == "old"
    assert not (home / "prefect").exists()
    assert (home / "api.key").read_text() == "kept"
    assert len(runs_of(aside)) == 3


def test_nothing_is_restored_while_a_desk_runs(home: Path, file: Path) -> None:
    before = list_files(home)
    settings = settings_of(home)

    with keeping_down(settings), pytest.raises(HomeInUseError, match="setupdesk down"):
        restore(settings, file, replaces=True)

    assert list_files(home) == before


def rewrite(file: Path, edit: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    """Pack the archive anew, as somebody can who knows how."""
    with tarfile.open(file) as archive:
        entries = [(one, archive.extractfile(one).read()) for one in archive]  # type: ignore[union-attr]
    edit(entries)
    with tarfile.open(file, "w:gz") as archive:
        for entry, content in entries:
            entry.size = len(content) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(content))


def refuse(home: Path, file: Path, reason: str) -> None:
    before = list_files(home)

    with pytest.raises(InvalidBackupError, match=reason):
        restore(settings_of(home), file, replaces=True)

    assert list_files(home) == before
    assert not (home / ".restore").exists()
    assert find_not_ok(home) == {}


@pytest.mark.parametrize(
    "root",
    ["ledger.db", "audit.anchors", "setupdesk.toml", "runs/", "setups/", "symbols/", "bars/"],
)
def test_a_changed_byte_in_any_kind_of_member_is_found(home: Path, file: Path, root: str) -> None:
    def flip(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        at = next(n for n, (entry, _) in enumerate(entries) if entry.name.startswith(root))
        content = bytearray(entries[at][1])
        content[len(content) // 2] ^= 1
        entries[at] = (entries[at][0], bytes(content))

    rewrite(file, flip)

    refuse(home, file, f"{root}.* is not what was packed")


def test_a_byte_changed_anywhere_in_the_file_is_found_or_harmless(
    home: Path, file: Path, tmp_path: Path
) -> None:
    whole = file.read_bytes()
    wanted = list_files(home)
    refused = 0

    for position in range(10, len(whole), len(whole) // 40):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        try:
            restore(settings_of(tmp_path / f"new{position}"), file)
        except InvalidBackupError:
            refused += 1
        else:
            assert list_files(tmp_path / f"new{position}") == wanted

    # A few bits of what was packed have another form that unpacks to the same.
    assert refused > 30


def test_an_archive_that_is_cut_off_anywhere_is_refused(home: Path, file: Path) -> None:
    whole = file.read_bytes()

    for length in [0, 1, 20, len(whole) // 3, len(whole) // 2, len(whole) - 9, len(whole) - 1]:
        file.write_bytes(whole[:length])
        refuse(home, file, "cut off, damaged, or no backup|a part is missing")


def test_a_member_that_is_missing_added_or_twice_is_refused(home: Path, file: Path) -> None:
    whole = file.read_bytes()

    rewrite(file, lambda entries: entries.remove(entries[0]))
    refuse(home, file, "ledger.db is not what was packed")
    file.write_bytes(whole)
    rewrite(file, lambda entries: entries.insert(0, (tarfile.TarInfo("runs/more"), b"x")))
    refuse(home, file, "runs/more is not what was packed")
    file.write_bytes(whole)
    rewrite(file, lambda entries: entries.insert(0, entries[0]))
    refuse(home, file, "ledger.db' twice")
    file.write_bytes(whole)
    rewrite(file, lambda entries: entries.append((tarfile.TarInfo("runs/last"), b"x")))
    refuse(home, file, "comes after its contents")
    file.write_bytes(whole)
    rewrite(file, lambda entries: entries.remove(entries[-1]))
    refuse(home, file, "a part is missing")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "runs/../../evil", "runs//evil", "evil", "desk.lock", "api.key"],
)
def test_a_member_from_outside_is_refused(home: Path, file: Path, name: str) -> None:
    rewrite(file, lambda entries: entries.insert(0, (tarfile.TarInfo(name), b"x")))

    refuse(home, file, "is no file of a desk")
    assert not (home.parent / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_is_refused(home: Path, file: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("runs/link")
    link.type, link.linkname = kind, "../../api.key"
    rewrite(file, lambda entries: entries.insert(0, (link, b"")))

    refuse(home, file, "is no file of a desk")


def test_contents_of_another_format_are_refused(home: Path, file: Path) -> None:
    def edit(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entry, content = entries.pop()
        assert entry.name == CONTENTS
        entries.append((entry, json.dumps(json.loads(content) | {"format": 2}).encode()))

    rewrite(file, edit)

    refuse(home, file, "not one that this setupdesk reads: format")


def test_a_file_that_is_no_backup_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a backup")

    refuse(home, tmp_path / "notes.txt", "no backup")
    refuse(home, tmp_path / "none.tar.gz", "No such file")


def test_a_broken_audit_log_is_told_at_the_backup_and_refused_at_the_restore(
    home: Path, tmp_path: Path
) -> None:
    shutil.copytree(home, tmp_path / "forged")
    change(tmp_path / "forged", "UPDATE audit_log SET user = 'bob' WHERE audit_id = 2")
    file = tmp_path / "forged.tar.gz"

    done = back_up(settings_of(tmp_path / "forged"), file)

    assert done["faults"] == [
        "audit log: row 2: it was changed after it was sealed; 1 row before it whole"
    ]
    refuse(home, file, "row 2 of its audit log: it was changed")


def test_an_audit_log_that_was_cut_is_refused(home: Path, tmp_path: Path) -> None:
    ledger = open_database(home / "ledger.db")
    anchors = Anchors(ledger, home / "audit.anchors", clock.now, rows=1)
    anchors.write_new()
    shutil.copytree(home, tmp_path / "cut")
    change(tmp_path / "cut", "DELETE FROM audit_log WHERE audit_id = 3")
    file = tmp_path / "cut.tar.gz"
    back_up(settings_of(tmp_path / "cut"), file)

    refuse(home, file, "row 3 of its audit log: it is missing")


def test_a_backup_of_a_newer_desk_is_refused(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "newer")
    change(tmp_path / "newer", "UPDATE alembic_version SET version_num = '9999'")
    file = tmp_path / "newer.tar.gz"
    back_up(settings_of(tmp_path / "newer"), file)

    refuse(home, file, "newer than this one. Install that version")


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_a_backup_of_an_older_desk_is_migrated(tmp_path: Path, revision: str) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o700)
    migrate(old / "ledger.db", revision)
    insert_run(old / "ledger.db", revision)
    back_up(settings_of(old), tmp_path / "old.tar.gz")

    done = restore(settings_of(tmp_path / "new"), tmp_path / "old.tar.gz")

    assert (done["runs"], done["waiting"]) == (1, 1)
    assert runs_of(tmp_path / "new") == {"run_2025_10_31_001": "queued"}
    assert read_revision(tmp_path / "new/ledger.db") == HEAD
    assert read_revision(old / "ledger.db") == revision


def migrate(path: Path, revision: str) -> None:
    config = Config()
    folder = Path(database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    path.touch()
    with writing(open_as_it_is(path)) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def insert_run(path: Path, revision: str) -> None:
    at = "2025-10-31T12:00:00.000000+00:00"
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO run_counter VALUES ('2025-10-31', 1)")
        connection.execute(
            "INSERT INTO run (run_id, flow_type, state, request, user, door, accepted_at) "
            "VALUES ('run_2025_10_31_001', 'backtest_flow', 'queued', '{}', 'ann', 'cli', ?)",
            [at],
        )
        connection.execute(
            "INSERT INTO outbox (run_id, kind, created_at, due_at, attempts) "
            "VALUES ('run_2025_10_31_001', 'start', ?, ?, 0)",
            [at, at],
        )
        if revision == "0001":
            connection.execute(
                "INSERT INTO audit_log (at, user, door, outcome, run_id, payload, problems) "
                "VALUES (?, 'ann', 'cli', 'accepted', 'run_2025_10_31_001', '{}', '[]')",
                [at],
            )
    connection.close()


def read_revision(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        found: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    return found


def test_backups_of_a_desk_that_accepts_all_the_while_are_whole(home: Path, tmp_path: Path) -> None:
    stop, accepted = Event(), 0

    def accept() -> None:
        nonlocal accepted
        ledger = open_database(home / "ledger.db")
        anchors = Anchors(ledger, home / "audit.anchors", clock.now)
        start = StartLedger(ledger, clock.now, hands_over=True, anchors=anchors)
        while not stop.is_set():
            start.accept(REQUEST, {}, "ann", Door.CLI)
            anchors.write_new()
            accepted += 1

    thread = Thread(target=accept)
    thread.start()
    try:
        counts = []
        for number in range(5):
            back_up(settings_of(home), tmp_path / f"{number}.tar.gz")
            done = restore(settings_of(tmp_path / f"new{number}"), tmp_path / f"{number}.tar.gz")
            counts.append(done["runs"])
            assert set(find_not_ok(tmp_path / f"new{number}")) <= {"repairs"}
    finally:
        stop.set()
        thread.join()

    assert counts == sorted(counts)
    assert counts[-1] > counts[0] > 2
    assert accepted + 3 >= counts[-1]


def test_a_home_without_a_ledger_has_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing to back up"):
        back_up(settings_of(tmp_path / "none"), tmp_path / "desk.tar.gz")

    assert list(tmp_path.iterdir()) == []


def test_a_report_that_was_lost_before_the_backup_is_told(home: Path, tmp_path: Path) -> None:
    first = min(runs_of(home))
    shutil.rmtree(home / "runs" / first)
    back_up(settings_of(home), tmp_path / "desk.tar.gz")

    done = restore(settings_of(tmp_path / "new"), tmp_path / "desk.tar.gz")

    assert done["damaged"] == [first]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "setupdesk", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small file system")
    yield place
    subprocess.run(["/bin/umount", str(place)], check=True)


def test_a_full_disk_leaves_no_half_backup_and_the_older_one(home: Path, small_disk: Path) -> None:
    file = small_disk / "desk.tar.gz"
    back_up(settings_of(home), file)
    before = file.read_bytes()
    (home / "bars/MINE/M1/0f/high.npy").write_bytes(os.urandom(2**20))

    done = call(home, "backup", str(file), "--force")

    assert done.returncode == 2
    assert "cannot be written: No space left on device" in done.stderr
    assert list(small_disk.iterdir()) == [file]
    assert file.read_bytes() == before


def test_a_full_disk_leaves_the_home_as_it_was(home: Path, small_disk: Path) -> None:
    file = home.parent / "large.tar.gz"
    (home / "bars/MINE/M1/0f/high.npy").write_bytes(os.urandom(2**20))
    back_up(settings_of(home), file)
    build_home(small_disk / "home")

    refuse_on_small_disk = pytest.raises(InvalidBackupError, match="No space left on device")
    before = list_files(small_disk / "home")
    with refuse_on_small_disk:
        restore(settings_of(small_disk / "home"), file, replaces=True)

    assert list_files(small_disk / "home") == before


def test_the_commands_back_up_and_restore_and_overwrite_nothing(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "desk.tar.gz"

    first = call(home, "backup", str(file))
    again = call(home, "backup", str(file))
    inside = call(home, "backup", str(home / "runs/desk.tar.gz"))
    refused = call(home, "restore", str(file))
    restored = call(home, "restore", str(file), "--replace")

    assert first.returncode == 0
    assert "3 runs with reports, setups, symbols and bars" in first.stderr
    assert (again.returncode, inside.returncode, refused.returncode) == (2, 2, 3)
    assert "--force overwrites it" in again.stderr
    assert "choose another place" in inside.stderr
    assert restored.returncode == 0
    assert "1 wait" in restored.stderr or "2 wait" in restored.stderr
    assert set(ROOTS) - {"audit.anchors"} <= {path.name for path in home.iterdir()}


def call(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"SETUPDESK_HOME": str(home), "SETUPDESK_KERNELS": KERNELS, "PATH": os.defpath}
    return run_command(*words, environment=environment)
