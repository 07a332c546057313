import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from structlog.contextvars import bound_contextvars

from setupdesk.adapters.event_log import EventLog, logging_to
from setupdesk.adapters.line_file import KEPT, LARGEST, append_line, set_aside
from setupdesk.adapters.redactor import Redactor
from setupdesk.adapters.result_store import ResultStore
from tests.core.test_printing import ANY_TEXT

log = logging.getLogger("setupdesk.test")

RUN = "run_2025_10_31_001"
KEY = "sdk_" + "k" * 43
PREFECT_PASSWORD = "p-_" * 14
WEBHOOK_SECRET = "whsec_" + "k/+" * 14 + "="
SECRETS = (KEY, f"setupdesk:{PREFECT_PASSWORD}", PREFECT_PASSWORD, WEBHOOK_SECRET)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a home in which what is logged is written by a process called ``service``."""
    with logging_to(open_log(tmp_path)):
        yield tmp_path


def open_log(home: Path) -> EventLog:
    secrets = (home / "api.key", home / "prefect.key")
    return EventLog("service", home / "logs", home / "runs", secrets)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def test_an_event_is_one_json_object_with_its_moment_level_process_and_fields(home: Path) -> None:
    log.info("told %d times", 2, extra={"pid": 7, "nothing": None, "rate": float("nan")})

    [event] = read(home / "logs/service.jsonl")
    assert event.pop("at").endswith("Z")
    assert list(event.items()) == [
        ("level", "info"),
        ("process", "service"),
        ("event", "told 2 times"),
        ("pid", 7),
        ("rate", "nan"),
    ]


def test_what_belongs_to_a_run_is_in_the_log_of_that_run_too(home: Path) -> None:
    log.info("before")
    with bound_contextvars(run_id=RUN):
        log.info("bound")
    log.info("named", extra={"run_id": RUN})
    log.info("after")

    story = ResultStore(home / "runs").load_log(RUN)
    assert [event["event"] for event in story] == ["bound", "named"]
    assert {event["run_id"] for event in story} == {RUN}
    whole = [event["event"] for event in read(home / "logs/service.jsonl")]
    assert whole == ["before", "bound", "named", "after"]


def test_a_process_of_one_run_writes_all_its_lines_there_from_any_thread(tmp_path: Path) -> None:
    event_log = open_log(tmp_path)
    with logging_to(event_log):
        event_log.belong_to(RUN)
        other = threading.Thread(target=log.info, args=("from another thread",))
        other.start()
        other.join()

    [event] = ResultStore(tmp_path / "runs").load_log(RUN)
    assert (event["process"], event["run_id"]) == ("run", RUN)
    assert not (tmp_path / "logs").exists()


def test_a_run_id_that_is_none_names_no_file(home: Path) -> None:
    log.info("forged", extra={"run_id": "../../forged"})

    assert [path.name for path in home.iterdir()] == ["logs"]


def test_files_are_for_their_owner_only(home: Path) -> None:
    log.info("a line", extra={"run_id": RUN})

    files = [home / "logs/service.jsonl", home / "runs" / RUN / "run.log"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (home / "logs").stat().st_mode & 0o777 == 0o700


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_whatever_is_logged_stays_one_line_without_raw_control_characters(
    tmp_path_factory: pytest.TempPathFactory, message: str, name: str, value: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    # What collects the results of tests cannot carry half a character.
    with logging_to(open_log(home)), kept_from_others():
        try:
            fail_with(value)
        except RuntimeError:
            log.exception("%s", message, extra={"field": {name: [value]}})

    text = (home / "logs/service.jsonl").read_bytes().decode()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    event = json.loads(text)
    assert event["event"] == message.encode("utf-8", "backslashreplace").decode()
    assert json.dumps(event, ensure_ascii=False).encode()


def test_other_letters_stay_readable_in_the_file(home: Path) -> None:
    log.info("Прибыль", extra={"owner": "Анна"})

    assert '"event": "Прибыль", "owner": "Анна"' in (home / "logs/service.jsonl").read_text()


@contextmanager
def kept_from_others() -> Iterator[None]:
    logger = logging.getLogger("setupdesk")
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True


def fail_with(text: str) -> None:
    raise RuntimeError(text)


def test_of_the_address_of_a_hook_the_token_is_hidden_and_its_id_is_not(home: Path) -> None:
    log.info("POST /api/v1/hooks/%s, hooks/hook_0123456789ab/revoke", "t-_" * 14)

    text = (home / "logs/service.jsonl").read_text()
    assert "POST /api/v1/hooks/***, hooks/hook_0123456789ab/revoke" in text


@pytest.mark.parametrize("secret", SECRETS)
def test_the_desks_own_secrets_are_in_no_message_field_or_traceback(
    home: Path, secret: str
) -> None:
    log.info("first, before there is any key")
    (home / "api.key").write_text(KEY)
    (home / "prefect.key").write_text(f"setupdesk:{PREFECT_PASSWORD}\n")

    log.info("it was <%s>", secret, extra={"said": {"deep": [secret, {secret: 1}]}})
    try:
        fail_with(f"not {secret}!")
    except RuntimeError:
        log.exception("failed")

    text = (home / "logs/service.jsonl").read_text()
    assert PREFECT_PASSWORD not in text
    assert KEY not in text
    assert "it was <***>" in text
    assert "RuntimeError: not ***!" in text


@pytest.mark.parametrize(
    "text",
    [
        "sdk_CANARY-CANARY_1",
        "Authorization: Bearer CANARY",
        "{'authorization': 'Bearer CANARY'}",
        "authorization: basic CANARY==",
        "password=CANARY",
        "password = 'two words CANARY'",
        '{"api_key": "CANARY", "symbol": "GER40"}',
        "https://api.example.com/v1?token=CANARY&symbol=GER40",
        "https://user:CANARY@example.com/",
        "TELEGRAM_TOKEN: CANARY",
        r'''password="a \" CANARY"''',
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_the_rest_stays(text: str) -> None:
    told = Redactor(()).redact(f"before {text} after")

    assert "CANARY" not in told
    assert told.startswith("before ")
    assert told.endswith(" after")
    assert ("GER40" in told) == ("GER40" in text)


def test_a_secret_whose_end_was_cut_off_is_hidden_too() -> None:
    assert Redactor(()).redact("password='CANARY and so on") == "password=***"


@pytest.mark.parametrize(
    "name", ["password", "api_key", "Authorization", "bot-token", "mt5.secret"]
)
def test_a_field_that_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert Redactor(()).clean({"asked": {name: "CANARY"}}) == {"asked": {name: "***"}}


@pytest.mark.parametrize("text", ["the token of a word", "sdk_", "authorized by ann", "a@b.c"])
def test_what_only_resembles_a_secret_is_left_alone(text: str) -> None:
    assert Redactor(()).redact(text) == text


def test_a_text_without_end_is_cut(home: Path) -> None:
    log.info("x" * 10**6, extra={"deep": [[[[[[[[1]]]]]]]]})

    assert (home / "logs/service.jsonl").stat().st_size < 21_000


def test_a_large_file_is_set_aside_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "service.jsonl"
    path.write_bytes(b"\n" * (LARGEST - 1))
    with logging_to(EventLog("service", tmp_path, tmp_path / "runs", ())):
        log.info("the last one")
        log.info("the first one")
    for number in range(KEPT + 2):
        append_line(path, b"%d\n" % number)
        set_aside(path)

    assert (tmp_path / "service.jsonl.1").read_text() == f"{KEPT + 1}\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        f"service.jsonl.{number + 1}" for number in range(KEPT)
    ]


def test_a_log_that_cannot_be_written_stops_nobody_and_shows_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("no folder")
    with logging_to(open_log(tmp_path)):
        log.info("password is CANARY")

    said = capsys.readouterr().err
    assert said.startswith("an event could not be logged: ")
    assert "CANARY" not in said


def test_what_ends_a_process_is_in_its_log_without_secrets(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; home = Path(sys.argv[1])\n"
        "from setupdesk.adapters.event_log import EventLog, log_all_to\n"
        "log_all_to(EventLog('service', home / 'logs', home / 'runs', ()))\n"
        "raise RuntimeError('password=' + 'CANARY'.lower())"
    )

    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, check=False)

    [event] = read(tmp_path / "logs/service.jsonl")
    assert done.returncode == 1
    assert b"canary" not in done.stderr
    assert event["level"] == "critical"
    assert event["traceback"].endswith("RuntimeError: password=***")


def test_what_ends_a_thread_is_in_the_log(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from threading import Thread\n"
        "from setupdesk.adapters.event_log import EventLog, log_all_to\n"
        "home = Path(sys.argv[1])\n"
        "log_all_to(EventLog('service', home / 'logs', home / 'runs', ()))\n"
        "Thread(target=int, args=('x',)).start()"
    )

    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, check=True)

    [event] = read(tmp_path / "logs/service.jsonl")
    assert done.stderr == b""
    assert event["event"] == "a thread ended with an error"
    assert "ValueError" in event["traceback"]


def test_a_log_of_an_earlier_version_and_half_a_line_are_still_told(tmp_path: Path) -> None:
    folder = tmp_path / RUN
    folder.mkdir()
    (folder / "run.log").write_bytes(
        b"2025-10-31T09:00:00Z ERROR task failed: no bars\nTraceback\n"
        b'{"at": "2025-10-31T09:00:01Z", "event": "new"}\n{"at": "20\xff'
    )

    assert ResultStore(tmp_path).load_log(RUN) == [
        {"at": "2025-10-31T09:00:00Z", "level": "error", "event": "task failed: no bars"},
        {"event": "Traceback"},
        {"at": "2025-10-31T09:00:01Z", "event": "new"},
        {"event": '{"at": "20\ufffd'},
    ]
