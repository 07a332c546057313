"""Free text that users give to things: what may stand in it, as it is shown in many places."""

import re
import unicodedata

from setupdesk.core.problem import Problem

LONGEST_NAME = 100

_FORMULA_STARTS = ("=", "+", "-", "@")
_UNPRINTED = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
_JOINER = "\u200d"
"""Of the letters that do not print the one that emoji are made with."""

_SECRET = re.compile(r"(sdk_|whsec_)[\w+/=-]{16,}")


def find_text_problems(field: str, text: str, longest: int, breaks: str = "") -> list[Problem]:
    """Find what must not stand in a *text* that is kept and shown; *breaks* may."""
    problems = []

    def refuse(code: str, message: str, allowed: tuple[str, ...] = ()) -> None:
        problems.append(Problem(field=field, code=code, message=message, allowed=allowed))

    if len(text) > longest:
        message = f"{field} had {len(text):,} characters."
        refuse("too_long", message, (f"up to {longest:,} characters",))
    if wrong := _find_unprinted(text, breaks):
        message = (
            f"{field} had the character U+{ord(wrong):04X}, which does not print or turns "
            "letters around; leave it out."
        )
        refuse("wrong_character", message)
    if text.startswith(_FORMULA_STARTS):
        message = (
            f"{field} began with {text[0]!r}: a spreadsheet would take it for a formula. "
            "Begin with a letter or a digit."
        )
        refuse("formula", message)
    if _SECRET.search(text):
        refuse("secret", f"{field} had a key or a secret in it; others may read it there.")
    return problems


def _find_unprinted(text: str, breaks: str) -> str | None:
    return next((one for one in text if one not in breaks and _is_unprinted(one)), None)


def _is_unprinted(letter: str) -> bool:
    return unicodedata.category(letter) in _UNPRINTED and letter != _JOINER
