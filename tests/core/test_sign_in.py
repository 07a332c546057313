"""Who comes in at the word of a provider, and every mistake in the settings of it."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.caller import API_KEY, Role
from setupdesk.core.sign_in import Person, Refusal, SignIn, derive_key, read_sign_in

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
IAT = int(NOW.timestamp())
RIGHT: dict[str, Any] = {
    "metadata_url": "https://accounts.example.org/.well-known/openid-configuration",
    "client_id": "desk",
    "client_secret_file": "oidc.secret",
    "redirect": "https://desk.example.org/oauth2callback",
    "users": {
        "Anna@Example.org": {"user": "anna", "role": "trader"},
        "77001": {"user": "boris", "role": "viewer"},
    },
}
ANNA = {"aud": "desk", "iat": IAT, "sub": "1", "email": "anna@example.org", "email_verified": True}
NAMES = {"desk.example.org"}


def read(**changes: Any) -> SignIn:
    stored = {name: one for name, one in (RIGHT | changes).items() if one is not None}
    found = read_sign_in(stored, "", NAMES)
    assert found is not None
    return found


def test_who_is_named_is_found_by_a_confirmed_email_or_by_the_providers_id() -> None:
    known = read()

    assert known.mistakes == ()
    assert known.find_person(ANNA, NOW) == Person("anna", Role.TRADER)
    assert known.find_person(ANNA | {"email": "ANNA@example.ORG"}, NOW) == Person(
        "anna", Role.TRADER
    )
    assert known.find_person({"aud": ["desk"], "iat": IAT, "sub": "77001"}, NOW) == Person(
        "boris", Role.VIEWER
    )
    assert known.roles == {"anna": "trader", "boris": "viewer"}


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"email": "eve@example.org"}, Refusal.UNKNOWN),
        ({"email": None}, Refusal.UNKNOWN),
        ({"email": "\N{KELVIN SIGN}anna@example.org"}, Refusal.UNKNOWN),
        ({"email": ["anna@example.org"]}, Refusal.UNKNOWN),
        ({"email": "77001"}, Refusal.UNKNOWN),
        ({"email": None, "sub": "anna@example.org"}, Refusal.UNKNOWN),
        ({"email_verified": False}, Refusal.UNCONFIRMED),
        ({"email_verified": None}, Refusal.UNCONFIRMED),
        ({"email_verified": "true"}, Refusal.UNCONFIRMED),
        ({"iat": IAT - 12 * 3600 - 1}, Refusal.VOID),
        ({"iat": IAT + 301}, Refusal.VOID),
        ({"iat": None}, Refusal.VOID),
        ({"iat": True}, Refusal.VOID),
        ({"aud": "another"}, Refusal.VOID),
        ({"aud": ["another"]}, Refusal.VOID),
        ({"aud": None}, Refusal.VOID),
    ],
)
def test_nobody_else_is_let_in(claims: dict[str, Any], refusal: Refusal) -> None:
    assert read().find_person(ANNA | claims, NOW) is refusal


def test_a_letter_that_only_looks_like_one_of_a_named_email_is_another() -> None:
    known = read(users={"kate@example.org": {"user": "kate", "role": "viewer"}})
    looks_alike = "\N{KELVIN SIGN}ate@example.org"

    assert looks_alike.lower() == "kate@example.org"
    assert known.find_person(ANNA | {"email": looks_alike}, NOW) is Refusal.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metadata_url": "http://accounts.example.org/x"}, "oidc.metadata_url has to be"),
        ({"metadata_url": None}, "oidc.metadata_url has to be"),
        ({"client_id": ""}, "oidc.client_id is missing"),
        ({"client_secret_file": None}, "the secret that the provider gave"),
        ({"client_secret": "x"}, "does not belong into setupdesk.toml"),
        ({"redirect": "https://desk.example.org/"}, "oidc.redirect has to be"),
        ({"redirect": "https://desk.example.org/oauth2callback?a=1"}, "oidc.redirect has to be"),
        ({"redirect": "http://desk.example.org/oauth2callback"}, "oidc.redirect has to be"),
        ({"redirect": "https://x.example/oauth2callback"}, 'hosts = ["x.example"]'),
        ({"redirects": "x"}, "there is no setting oidc.redirects"),
        ({"users": None}, "oidc.users is missing"),
        ({"users": {"a@b.c": {"user": "a", "role": "king"}}}, "the roles are viewer, trader"),
        ({"users": {"a@b.c": {"user": "a\n", "role": "viewer"}}}, "as whom"),
        ({"users": {"a@b.c": "viewer"}}, "as whom"),
        ({"users": {"\N{CYRILLIC SMALL LETTER A}@b.c": RIGHT["users"]["77001"]}}, "in ASCII"),
        (
            {"users": {one: {"user": "a", "role": one} for one in ("viewer", "admin")}},
            "several roles",
        ),
    ],
)
def test_a_mistake_is_told_and_lets_nobody_in(changes: dict[str, Any], words: str) -> None:
    known = read(**changes)

    [mistake] = known.mistakes
    assert words in mistake
    assert known.find_person(ANNA, NOW) is Refusal.UNKNOWN
    assert known.roles == {}


def test_all_mistakes_are_told_at_once() -> None:
    empty, no_table = read_sign_in({}, "", NAMES), read_sign_in("on", "", NAMES)

    assert empty is not None
    assert no_table is not None
    assert len(empty.mistakes) == 5
    assert no_table.mistakes == ("oidc has to be a table: [oidc]",)
    assert read_sign_in(None, "", NAMES) is None


def test_the_example_of_the_manual_is_right() -> None:
    manual = (Path(__file__).parents[2] / "docs/web.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    stored = tomllib.loads(example)

    known = read_sign_in(stored["oidc"], "", stored["hosts"])

    assert known is not None
    assert known.mistakes == ()
    assert known.roles == {"anna": "trader", "boris": "viewer"}


def test_a_secret_of_the_environment_does_and_is_not_shown() -> None:
    known = read_sign_in(RIGHT | {"client_secret_file": ""}, "a-secret", NAMES)

    assert known is not None
    assert known.mistakes == ()
    assert "a-secret" not in repr(known)


def test_the_key_of_a_user_looks_like_any_other_and_is_that_of_no_other_user() -> None:
    keys = {derive_key(own, user) for own in ("sdk_a", "sdk_b") for user in ("anna", "boris")}

    assert len(keys) == 4
    assert all(API_KEY.fullmatch(key) for key in keys)
    assert derive_key("sdk_a", "anna") == derive_key("sdk_a", "anna")
