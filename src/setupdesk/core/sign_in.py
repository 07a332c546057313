"""Sign-in by a provider of OpenID Connect: where it is, and who may come in as whom."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, urlsplit

from setupdesk.core.caller import NAME, Role
from setupdesk.core.hosts import is_loopback, normalize

CALLBACK = "/oauth2callback"
"""Where on the web desk the provider sends a browser back to."""

SIGNED_IN_FOR = timedelta(hours=12)
"""How long one sign-in lasts; who has lost his account at the provider is in no longer."""

_TEXTS = ("metadata_url", "client_id", "client_secret_file", "redirect")
_ENTRY = '{ user = "anna", role = "trader" }'


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is at the desk."""

    user: str
    role: Role


class Refusal(StrEnum):
    """Why somebody who has signed in at the provider is not let in."""

    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"
    VOID = "void"
    """The sign-in was long ago, or at another program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What ``[oidc]`` in the settings says, with every mistake in it."""

    metadata_url: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    client_secret: str = field(default="", repr=False)
    """From the environment; else it is in the file."""

    redirect: str = ""
    people: Mapping[str, Person] = field(default_factory=dict)
    """By e-mail, in small letters, or by the provider's own id of them (``sub``)."""

    mistakes: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        """The name of the provider's host."""
        return urlsplit(self.metadata_url).hostname or ""

    @property
    def page(self) -> str:
        """The address of the web desk to which the provider leads back."""
        return self.redirect.removesuffix(CALLBACK)

    @property
    def roles(self) -> dict[str, Role]:
        """The role of each user of the desk who may sign in; nobody where there are mistakes."""
        people = () if self.mistakes else self.people.values()
        return {person.user: person.role for person in people}

    def find_person(self, claims: Mapping[str, Any], now: datetime) -> Person | Refusal:
        """Find who it is of whom the provider has made these *claims*, or why he is not let in.

        An e-mail counts only where the provider says that it is his (``email_verified``).
        """
        if self.mistakes:
            return Refusal.UNKNOWN
        if not (_is_recent(claims.get("iat"), now) and _is_for(self.client_id, claims)):
            return Refusal.VOID
        subject, email = str(claims.get("sub") or ""), write_email(claims.get("email"))
        if "@" not in subject and subject in self.people:
            return self.people[subject]
        if email not in self.people:
            return Refusal.UNKNOWN
        if claims.get("email_verified") is not True:
            return Refusal.UNCONFIRMED
        return self.people[email]


def write_email(said: object) -> str:
    """Write an e-mail in the form in which they compare; empty where it cannot be compared.

    Letters that only look like those of ASCII, or become them in small letters, are others.
    """
    text = str(said or "").strip()
    return text.lower() if "@" in text and text.isascii() and text.isprintable() else ""


def _is_for(client_id: str, claims: Mapping[str, Any]) -> bool:
    # The library takes a token for others too, where we are named as who has asked for it.
    said = claims.get("aud")
    return client_id in (said if isinstance(said, list) else [said])


def _is_recent(issued: object, now: datetime) -> bool:
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return False
    # Clocks differ by a little.
    age = now.timestamp() - issued
    return -300 <= age <= SIGNED_IN_FOR.total_seconds()


def derive_key(own: str, user: str) -> str:
    """Derive the key by which the web desk asks for a *user* from the desk's *own* key.

    HMAC-SHA256; it looks like any other key, and cannot be led back to the desk's own.
    """
    digest = hmac.digest(own.encode(), b"sign-in\0" + user.encode(), "sha256")
    return f"sdk_{urlsafe_b64encode(digest).decode().rstrip('=')}"


def read_sign_in(stored: object, secret: str, names: Iterable[str]) -> SignIn | None:
    """Read ``[oidc]``; *secret* is the environment's, *names* are those that the desk answers to.

    None where it is not set. Mistakes are gathered, so that all can be said at once.
    """
    if stored is None:
        return None
    if not isinstance(stored, Mapping):
        return SignIn(mistakes=("oidc has to be a table: [oidc]",))
    texts = {name: str(stored.get(name) or "").strip() for name in _TEXTS}
    people, wrong_people = _read_people(stored.get("users"))
    mistakes = [
        *_find_unknown(stored),
        *_find_wrong_texts(texts, secret),
        *_find_wrong_redirect(texts["redirect"], set(names)),
        *wrong_people,
    ]
    return SignIn(**texts, client_secret=secret, people=people, mistakes=tuple(mistakes))


def _find_unknown(stored: Mapping[str, Any]) -> Iterator[str]:
    known = (*_TEXTS, "users")
    for name in stored:
        if name == "client_secret":
            yield (
                "oidc.client_secret does not belong into setupdesk.toml: put the secret alone into "
                'a file that only you can read, and name it: client_secret_file = "oidc.secret"'
            )
        elif name not in known:
            yield f"there is no setting oidc.{name}; there are {', '.join(known)}"


def _find_wrong_texts(texts: Mapping[str, str], secret: str) -> Iterator[str]:
    if not _is_safe(urlsplit(texts["metadata_url"])):
        yield (
            "oidc.metadata_url has to be the https address of the provider's description, such as "
            "https://accounts.example.org/.well-known/openid-configuration"
        )
    if not texts["client_id"]:
        yield "oidc.client_id is missing: it is the name that the provider gave to this desk"
    if not (texts["client_secret_file"] or secret):
        yield (
            "the secret that the provider gave to this desk is missing: put it into a file that "
            'only you can read, client_secret_file = "oidc.secret", or into the environment, '
            "SETUPDESK_OIDC_CLIENT_SECRET"
        )


def _find_wrong_redirect(text: str, names: set[str]) -> Iterator[str]:
    address = urlsplit(text)
    if not _is_safe(address) or address.path != CALLBACK or address.query or address.fragment:
        yield (
            f"oidc.redirect has to be the https address of the web desk, as browsers have it, and "
            f"{CALLBACK}, such as https://desk.example.org{CALLBACK}"
        )
        return
    host = normalize(address.hostname or "")
    if not is_loopback(host) and host not in names:
        yield f'oidc.redirect is on {host}, for which no page is served: hosts = ["{host}"]'


def _is_safe(address: SplitResult) -> bool:
    host = normalize(address.hostname or "")
    if not host or address.username or address.password:
        return False
    return address.scheme == "https" or (address.scheme == "http" and is_loopback(host))


def _read_people(stored: object) -> tuple[dict[str, Person], list[str]]:
    if not isinstance(stored, Mapping) or not stored:
        return {}, [_NOBODY]
    people, mistakes, roles = dict[str, Person](), list[str](), dict[str, Role]()
    for who, said in stored.items():
        name = write_email(who) if "@" in who else who.strip()
        person = _read_person(said)
        if not name:
            mistakes.append(f'oidc.users."{who}" has to be an e-mail in ASCII, or an id')
        elif person is None:
            mistakes.append(
                f'oidc.users."{who}" has to say as whom: {_ENTRY}; the roles are {", ".join(Role)}'
            )
        if not name or person is None:
            continue
        people[name] = person
        if roles.setdefault(person.user, person.role) is not person.role:
            mistakes.append(f"the user {person.user} has several roles in oidc.users")
    return people, mistakes


_NOBODY = (
    "oidc.users is missing, so nobody could come in. In setupdesk.toml:\n"
    f'    [oidc.users]\n    "anna@example.org" = {_ENTRY}'
)


def _read_person(said: object) -> Person | None:
    if not isinstance(said, Mapping) or set(said) != {"user", "role"}:
        return None
    user, role = said["user"], said["role"]
    if not isinstance(user, str) or not NAME.fullmatch(user) or role not in set(Role):
        return None
    return Person(user, Role(role))
