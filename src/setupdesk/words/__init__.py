"""The words of the product in the language of who reads them, from one catalogue for all doors.

English stands in the code, as the key. Beside this file ``ru.po`` has the Russian of the pages,
``ru.desk.po`` and ``ru.cli.po`` that of the sentences of the desk and of the command line.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import NullTranslations

LANGUAGES = {"en": "English", "ru": "Русский"}


def choose_language(wanted: str | None) -> str:
    """Choose the nearest language to a wanted one, such as ``ru-RU``; English where none is."""
    bare = (wanted or "").replace("_", "-").partition("-")[0].lower()
    return bare if bare in LANGUAGES else "en"


@cache
def find_words(language: str) -> "NullTranslations":
    """Find the catalogue of a language; what is not in it is said in English."""
    # Who speaks English needs none of these.
    from gettext import NullTranslations
    from importlib.resources import files

    from setupdesk.words.po import build_translations

    if language == "en":
        return NullTranslations()
    return build_translations(files(__name__).joinpath(f"{language}.po").read_text("utf-8"))


def mark(text: str) -> str:
    """Mark a text that is said later, so that it is known to need its translations."""
    return text
