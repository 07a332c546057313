"""The catalogue is whole: whatever is said in English has its Russian, with the same places."""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import setupdesk
from setupdesk.words import LANGUAGES, choose_language, find_words
from setupdesk.words.po import build_translations, read_entries

HERE = Path(setupdesk.__file__).parent
SPEAKING = [HERE / part for part in ("doors/ui", "doors/telegram", "picture", "words")]
PLACE = re.compile(r"\{\w*\}")


def find_said() -> Iterator[tuple[str, ...]]:
    """Find what is said in the code: one text, or that of one and of many."""
    for source in [one for part in SPEAKING for one in part.rglob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            count = {"say": 1, "mark": 1, "say_many": 2}.get(node.func.id, 0)
            texts = [one.value for one in node.args[:count] if isinstance(one, ast.Constant)]
            if texts:
                yield tuple(str(text) for text in texts)


def list_russian() -> dict[tuple[str, ...], list[str]]:
    entries = read_entries(files("setupdesk.words").joinpath("ru.po").read_text("utf-8"))
    return {tuple(filter(None, (one.text, one.plural))): one.said for one in entries if one.text}


def test_all_that_is_said_has_a_russian_text_and_nothing_else_is_in_the_catalogue() -> None:
    said, russian = set(find_said()), list_russian()

    assert said - set(russian) == set()
    assert set(russian) - said == set()
    assert [texts for texts, translated in russian.items() if not all(translated)] == []


def test_no_translation_loses_a_place_or_has_another_one() -> None:
    wrong = [
        texts
        for texts, translated in list_russian().items()
        for one in translated
        if set(PLACE.findall(one)) != set(PLACE.findall(texts[-1]))
    ]

    assert wrong == []


def test_plurals_have_the_three_forms_of_russian() -> None:
    words = find_words("ru")
    text = ("{count} bar is missing.", "{count} bars are missing.")

    assert len({words.ngettext(*text, count) for count in (1, 2, 5)}) == 3
    assert words.ngettext(*text, 21) == words.ngettext(*text, 1)


def test_texts_of_several_lines_and_escapes_are_read_as_gettext_writes_them() -> None:
    text = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    words = build_translations(text + 'msgid ""\n"one "\n"\\"two\\""\nmsgstr "пить\\nжить"\n')

    assert words.gettext('one "two"') == "пить\nжить"
    assert words.gettext("three") == "three"


def test_the_language_nearest_to_what_is_wanted_is_spoken() -> None:
    wanted = ("ru-RU", "ru_RU", "RU", "en-GB", "de", "", None)

    assert [choose_language(one) for one in wanted] == ["ru", "ru", "ru", "en", "en", "en", "en"]
    assert list(LANGUAGES) == ["en", "ru"]
