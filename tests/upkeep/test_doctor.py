"""The doctor at a real home, in which each thing is broken in turn."""

import fcntl
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from setupdesk.adapters.ledger.tables import HEAD
from setupdesk.app.doctor import Grade
from setupdesk.app.doctor.exposure import judge_delivery
from setupdesk.upkeep.doctor import examine
from tests.commands import run_command
from tests.upkeep.homes import (
    NOON,
    build_home,
    change,
    examine_home,
    find_not_ok,
    list_files,
    settings_of,
)


def test_a_home_in_order_is_ok_in_every_check_and_is_not_changed(home: Path) -> None:
    before = list_files(home)

    found = examine(settings_of(home))

    assert [one for one in found["checks"] if one["grade"] != "ok"] == []
    assert (found["grade"], found["running"]) == ("ok", False)
    checks = {one["check"]: one["seen"] for one in found["checks"]}
    assert checks["ledger"] == f"whole, 3 runs, migration {HEAD}"
    assert checks["audit log"] == "3 rows whole, 1 anchor up to row 1"
    assert checks["results"] == "1 report as stored"
    assert checks["outbox"] == "3 errands to do; setupdesk up does them"
    assert list_files(home) == before


def test_the_sign_in_is_looked_at_where_it_is_set(home: Path) -> None:
    unset = examine_home(home)
    (home / "setupdesk.toml").write_text('[oidc]\nclient_id = "desk"\n')
    found = examine_home(home)["sign-in"]

    assert "sign-in" not in unset
    assert found["grade"] == "bad"
    for wrong in ("oidc.metadata_url", "the secret", "oidc.redirect", "oidc.users"):
        assert wrong in found["seen"]


def test_how_telegram_delivers_is_told_where_there_is_a_bot(home: Path) -> None:
    unset = examine_home(home)
    (home / "telegram.token").touch(mode=0o600)
    (home / "telegram.token").write_text("123456:of-nobody")
    polled = examine_home(home)["telegram"]
    (home / "setupdesk.toml").write_text('telegram_webhook = "https://desk.example.org/bot"\n')
    sent = examine_home(home)["telegram"]

    assert "telegram" not in unset
    assert (polled["grade"], polled["seen"]) == ("ok", "is asked for messages (long polling)")
    assert "https://desk.example.org/bot, which a proxy passes on to 127.0.0.1:8752" in sent["seen"]
    assert judge_delivery("https://a.b", 8752, is_deaf=True, has_rival=False).grade is Grade.BAD
    assert "the same token" in judge_delivery("", 0, is_deaf=False, has_rival=True).seen


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = examine(settings_of(tmp_path / "none"))

    assert (found["grade"], len(found["checks"])) == ("ok", 1)
    assert not (tmp_path / "none").exists()


def flip_byte(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def report_of(home: Path) -> Path:
    return next(home.glob("runs/*/report.json"))


def make_newer(home: Path) -> None:
    change(home, "UPDATE alembic_version SET version_num = '9999'")


def make_older(home: Path) -> None:
    change(home, "UPDATE alembic_version SET version_num = '0000'")


def lose_a_run(home: Path) -> None:
    change(
        home,
        "DELETE FROM outbox",
        "DELETE FROM audit_log WHERE audit_id = 2",
        "DELETE FROM run WHERE run_id LIKE '%_002'",
    )


def lose_an_audit_row(home: Path) -> None:
    change(home, "DELETE FROM audit_log WHERE audit_id = 2")


def break_json(home: Path) -> None:
    change(home, "UPDATE audit_log SET payload = '{' WHERE audit_id = 2")


def orphan_an_errand(home: Path) -> None:
    change(home, "UPDATE outbox SET run_id = 'run_2025_01_01_001' WHERE outbox_id = 1")


def give_up(home: Path) -> None:
    change(
        home,
        "UPDATE outbox SET done_at = created_at, attempts = 5, last_error = 'a bug' "
        "WHERE outbox_id = 3",
    )


def set_clock_back(home: Path) -> None:
    change(
        home,
        "UPDATE run SET accepted_at = strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '+2 hours') "
        "WHERE run_id LIKE '%_003'",
    )


def set_schedule_ahead(home: Path) -> None:
    change(
        home,
        "INSERT INTO schedule VALUES ('sched_1', 'nightly', 'ann', NULL, '{}', 0, '2026', '2026', "
        "NULL, '9999')",
    )


def blind_a_watch(home: Path) -> None:
    change(
        home,
        "INSERT INTO watch (watch_id, name, user, terms, created_at) VALUES "
        "('watch_1', 'dax', 'ann', '{\"replay_from\": null}', '2026')",
        "INSERT INTO look (watch_id, setup_id, symbol, trouble) VALUES "
        "('watch_1', 'IB_raid_v1', 'GER40', 'no new bar')",
    )


def leave_wal(home: Path) -> None:
    connection = sqlite3.connect(home / "ledger.db")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def tear_page(home: Path) -> None:
    content = (home / "ledger.db").read_bytes()
    (home / "ledger.db").write_bytes(content[:8192] + os.urandom(12288) + content[20480:])


BREAKS: list[tuple[str, str, str, Callable[[Path], object]]] = [
    ("ledger", "bad", "file is not a database", lambda home: flip_byte(home / "ledger.db", 2)),
    ("ledger", "bad", "", tear_page),
    ("ledger", "bad", "1 row names something that is not there", orphan_an_errand),
    ("migration", "bad", "9999, made by a newer setupdesk", make_newer),
    ("migration", "warn", f"0000, this setupdesk needs {HEAD}", make_older),
    ("durability", "bad", "journal_mode delete", leave_wal),
    ("run ids", "bad", "missing: run_", lose_a_run),
    ("requests", "bad", "not so: run_", lose_an_audit_row),
    ("audit log", "bad", "row 3: row 2 should come first", lose_an_audit_row),
    ("audit log", "bad", "a row cannot be read", break_json),
    ("audit log", "warn", "no anchor", lambda home: (home / "audit.anchors").unlink()),
    ("given up", "warn", "errands of run_", give_up),
    ("schedules", "warn", "they wait for it: sched_1", set_schedule_ahead),
    ("watches", "warn", "do not see all that they watch: dax", blind_a_watch),
    ("results", "bad", "missing", lambda home: report_of(home).unlink()),
    ("results", "bad", "changed since", lambda home: flip_byte(report_of(home), 30)),
    ("folders of runs", "bad", "run_2020", lambda home: (home / "runs/run_2020_01_01_001").mkdir()),
    ("drafts", "warn", "9.draft", lambda home: report_of(home).with_suffix(".9.draft").touch()),
    ("permissions", "bad", "home", lambda home: home.chmod(0o755)),
    ("permissions", "bad", "api.key", lambda home: (home / "api.key").write_text("sdk_x")),
    ("clocks", "bad", "ledger is 2:00:00 ahead", set_clock_back),
    ("restore", "bad", "interrupted", lambda home: (home / ".restore").mkdir()),
]


@pytest.mark.parametrize(
    ("name", "grade", "seen", "break_it"), BREAKS, ids=[f"{one[0]}-{one[2]}" for one in BREAKS]
)
def test_what_is_broken_is_told_with_what_to_do(
    home: Path, name: str, grade: str, seen: str, break_it: Callable[[Path], object]
) -> None:
    break_it(home)

    check = examine_home(home)[name]

    assert check["grade"] == grade
    assert seen in check["seen"]
    assert check["remedy"]


def test_only_what_is_broken_is_told(home: Path) -> None:
    report_of(home).unlink()

    assert list(find_not_ok(home)) == ["results"]


def test_the_draft_of_a_run_under_way_is_no_leftover(home: Path) -> None:
    running = sorted(examine_ids(home))[1]
    (home / "runs" / running).mkdir()
    (home / "runs" / running / "report.9.draft").touch()

    assert find_not_ok(home) == {}


def examine_ids(home: Path) -> list[str]:
    with sqlite3.connect(home / "ledger.db") as connection:
        return [row[0] for row in connection.execute("SELECT run_id FROM run")]


def test_repairs_of_the_last_day_are_told(home: Path) -> None:
    change(
        home,
        "CREATE TABLE IF NOT EXISTS repair (repair_id INTEGER PRIMARY KEY, at, run_id, "
        "finding, deed)",
        "INSERT INTO repair (at, run_id, finding, deed) VALUES "
        "(strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '-1 hour'), 'run_7', "
        "'its executor was gone', 'tried'), "
        "(strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '-2 days'), NULL, 'long ago', 'done')",
    )

    assert find_not_ok(home) == {
        "repairs": (
            "warn",
            "1 within a day: run_7: its executor was gone, tried",
        )
    }


def test_the_command_ends_with_1_if_something_is_bad_and_prints_it_as_json(home: Path) -> None:
    good = call(home, "doctor", "--json")
    report_of(home).unlink()
    bad = call(home, "doctor")

    assert (good.returncode, json.loads(good.stdout)["grade"]) == (0, "ok")
    assert bad.returncode == 1
    assert "missing" in bad.stdout
    assert "results: ask for the same runs again" in bad.stderr


def call(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_command(*words, environment={"SETUPDESK_HOME": str(home), "PATH": os.defpath})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "setupdesk", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small file system")
    yield place
    subprocess.run(["/bin/umount", str(place)], check=True)


def test_a_disk_that_is_nearly_full_is_bad(small_disk: Path) -> None:
    build_home(small_disk / "home")

    check = examine_home(small_disk / "home")["disk"]

    assert check["grade"] == "bad"
    assert "MiB free; ledger" in check["seen"]


def test_a_process_that_is_gone_and_a_prefect_that_is_silent_are_told(home: Path) -> None:
    gone = {"state": "ready", "pid": 2**22 + 1, "address": "http://127.0.0.1:1"}
    again = {"state": "ready", "pid": os.getpid(), "address": "", "restarts": 2}
    desk = {"pid": os.getpid(), "processes": {"prefect": gone, "executor": again}}
    (home / "desk.json").write_text(json.dumps(desk))
    (home / "prefect.key").touch(mode=0o600)
    (home / "prefect.key").write_text(f"setupdesk:{'x' * 43}")
    with (home / "desk.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        found = find_not_ok(home)

    assert found == {
        "prefect": ("bad", f"process {2**22 + 1} is gone"),
        "executor": ("warn", "ready, started again 2 times"),
        "agreement": ("warn", "Prefect cannot be reached: it is not up yet"),
    }


def test_a_ledger_of_long_ago_has_nothing_stuck_while_the_desk_is_down(tmp_path: Path) -> None:
    build_home(tmp_path / "home", lambda: NOON)
    change(tmp_path / "home", "UPDATE outbox SET last_error = 'Prefect cannot be reached'")

    assert find_not_ok(tmp_path / "home") == {}
