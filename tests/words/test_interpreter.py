"""What the desk says in English is known again, with its values, and said in Russian."""

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

import setupdesk
from setupdesk.core.errors import UnsafeStartError
from setupdesk.core.sign_in import read_sign_in
from setupdesk.doors.cli import app
from setupdesk.exposure import find_listening_faults
from setupdesk.settings import Listening
from setupdesk.words.interpreter import _KINDS, choose_form, interpret, read_texts

HERE = Path(setupdesk.__file__).parent
PLACE = re.compile(r"\{(\w+)(?::([^}]*))?\}")
TEXTS = read_texts("ru")

SAMPLES = {
    "count": "5",
    "low": "2",
    "high": "9",
    "first": "2025-05-01",
    "last": "2025-05-30",
    "moment": "2025-05-01T09:00:00Z",
    "time": "09:30",
    "run_id": "run_2025_05_01_001",
    "file": "bars.csv",
    "rhythm": "M15 + 3s",
    "feed": "dukascopy",
    "word": "'GER4O'",
    "state": "queued",
    "status": "410",
    "setup": "IB_raid_v1",
    "where": "symbol",
    "key": "'foo'",
    "field": "symbol",
}
"""A value for each kind of place; at all others stands a word of no language."""

SILENT = {
    *("__init__.py", "adapters/bar_files.py", "adapters/event_log.py", "adapters/redactor.py"),
    *("adapters/ledger/group_commit.py", "adapters/ledger/keys.py", "adapters/ledger/workers.py"),
    *("adapters/prefect_api.py", "adapters/prefect_server.py", "app/adopter.py"),
    *("app/push_bars.py", "app/report_page/page.py", "executor/__main__.py", "executor/machine.py"),
    *("service/health.py", "adapters/rule_files.py", "upkeep/backup.py", "upkeep/doctor.py"),
}
"""Whose texts are no sentences for people, or stand in Prefect, in the log, or in a bug."""

SPOKEN = [
    source
    for source in sorted(HERE.rglob("*.py"))
    if str(source.relative_to(HERE)) not in SILENT
    and not {"ui", "picture", "words", "migrations"} & set(source.relative_to(HERE).parts)
    and HERE / "doors" / "telegram" not in source.parents
]
"""Where every sentence is one for people, with its Russian; pages and others: another test."""


KEPT = {
    *("Binance klines", "Dukascopy bi5", "freqtrade feather", "freqtrade json", "level price"),
    *("EURUSD/2025/04/02/09h_ticks.bi5 (the months count from 00", "the only one of"),
    *("a time zone", "simulated with seed", "a time in the ledger is aware", "when last seen>"),
    *("a path that ends as that of its health", "a path below that of its health", "no route"),
    *("a write to a path of its readiness", "these symbols have no folder", "what is not a text"),
    *(
        "openid email",
        "with every Problem",
        "The secret part of the hook's address",
        "with progress",
    ),
}
"""Names of formats, words of programs, and what only bugs say."""


def fill(template: str) -> str:
    return PLACE.sub(lambda place: SAMPLES.get(place[1], f"<{place[1]}>"), template)


def say(english: str) -> str:
    """Say a template with the samples as its translator meant it."""

    def write(place: re.Match[str]) -> str:
        value = SAMPLES.get(place[1], f"<{place[1]}>")
        if not place[2]:
            return value
        return (
            interpret(value, "ru")
            if place[2] == "said"
            else choose_form(value, place[2].split("|"))
        )

    return PLACE.sub(write, TEXTS[english])


def test_every_template_is_known_again_in_a_sentence_made_of_it() -> None:
    wrong = {
        one: interpret(fill(one), "ru") for one in TEXTS if interpret(fill(one), "ru") != say(one)
    }

    assert wrong == {}


def test_sentences_are_said_one_by_one_and_what_is_unknown_stays() -> None:
    told = interpret(
        "'GER4O' is not known, did you mean 'GER40'? Nobody knows this. It ends.", "ru"
    )

    assert told == "'GER4O': такого нет. Может быть, 'GER40'? Nobody knows this. It ends."
    assert interpret("There is no setup 'x'.", "en") == "There is no setup 'x'."


def test_every_reason_of_a_list_is_said() -> None:
    open_to_others = Listening(host="0.0.0.0", tls_key=Path("key.pem"))  # noqa: S104 (refused)
    lists = [
        list(find_listening_faults(open_to_others))[-1:],
        read_mistakes({"client_secret": "x", "users": {"a@b.c": {"role": "king"}}, "on": True}),
        read_mistakes({"redirect": "https://x.example/oauth2callback"}),
    ]

    told = [interpret(str(UnsafeStartError(one)), "ru").split("\n- ") for one in lists]

    assert [len(one) for one in told] == [2, 8, 6]
    assert [one for some in told for one in some if not re.search("[а-я]{2}", one)] == []


def read_mistakes(stored: dict[str, Any]) -> tuple[str, ...]:
    found = read_sign_in(stored, "", ())
    assert found is not None
    return found.mistakes


def test_what_a_user_wrote_is_a_value_and_said_as_it_is() -> None:
    told = interpret("'a trade was open, or not' is not known.", "ru")

    assert told == "'a trade was open, or not': такого нет."


def test_a_text_that_is_made_to_take_long_does_not() -> None:
    started = time.process_time()
    for text in ("a. " * 660, "was , " * 330, " of " * 500, "There is no x " * 140):
        assert interpret(text, "ru")

    assert time.process_time() - started < 5


def test_numbers_take_the_form_of_their_word() -> None:
    counted = [interpret(f"{count} trades", "ru") for count in ("1", "2", "5", "11", "1,021")]

    assert counted == ["1 сделка", "2 сделки", "5 сделок", "11 сделок", "1,021 сделка"]
    assert choose_form("12.5", ["пункт", "пункта", "пунктов"]) == "пункта"


def test_no_translation_loses_a_value_or_has_another_one() -> None:
    def places(text: str) -> set[str]:
        return {name for name, _ in PLACE.findall(text)}

    wrong = [english for english, said in TEXTS.items() if places(english) != places(said)]

    assert wrong == []
    assert _KINDS.keys() == SAMPLES.keys()


def find_sentences(source: Path) -> Iterator[tuple[str, ...]]:
    """Find the texts of a module that hold words of people, in the pieces between their values."""
    tree = ast.parse(source.read_text())
    inner = {id(part) for whole in ast.walk(tree) if is_silent(whole) for part in ast.walk(whole)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(one) for one in node.values}
        if id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr):
            yield tuple(str(one.value) for one in node.values if isinstance(one, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield (node.value,)


def is_silent(node: ast.AST) -> bool:
    """Say whether what stands below a node is for the log, for a program, or a docstring."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[0] in ("log", "re", "Field", "Query", "Header")
    if isinstance(node, ast.Dict):
        return any(
            isinstance(key, ast.Constant) and key.value == "description" for key in node.keys
        )
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def lacks(sentence: tuple[str, ...], english: str) -> list[str]:
    parts = (part for text in sentence for part in re.split(r"[;,`\n]|[.?] |: |  |\{.*?\}", text))
    pieces = (re.sub(r"^[\w.]+ (?=was\b)", "", part.strip(" .,;:!()")) for part in parts)
    return [
        piece
        for piece in pieces
        if re.search(r"[a-z]{2,} [a-z]{2,}", piece)
        and not piece.startswith(("setupdesk ", "such as [", "bold ", "--"))
        and piece not in KEPT
        and piece not in english
    ]


def test_all_that_is_said_has_its_russian() -> None:
    english = "\n".join(TEXTS)

    missing = {
        str(source.relative_to(HERE)): lacking
        for source in SPOKEN
        if (lacking := [one for text in find_sentences(source) for one in lacks(text, english)])
    }

    assert missing == {}


def find_help(command: Any) -> Iterator[str]:
    """Find what the help of a command, and of all below it, says."""
    yield from (one.help for one in (command, *command.params) if getattr(one, "help", None))
    for below in getattr(command, "commands", {}).values():
        yield from find_help(below)


def test_all_help_of_the_command_line_has_its_russian() -> None:
    texts = [
        text for text in find_help(get_command(app)) if re.search(r"[a-z]{3,} [a-z]{3,}", text)
    ]

    assert [text for text in texts if interpret(text, "ru") == text] == []
