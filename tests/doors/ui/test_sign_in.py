"""Signing in by a provider: the real protocol, the real page, the real service."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.run import Door
from setupdesk.core.sign_in import derive_key
from tests.doors.ui.by_hand import Browser
from tests.doors.ui.provider import CLIENT, SECRET
from tests.doors.ui.with_provider import Place, serving_with_provider

ANNA = {"email": "Anna@Example.org", "email_verified": True}


@pytest.fixture(scope="module", name="whole")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving_with_provider(tmp_path_factory.mktemp("desk")) as place:
        yield place


@pytest.fixture(name="place")
def make_right(whole: Place) -> Iterator[Place]:
    """Give the desk, with a provider that does nothing wrong and for which Anna is Anna."""
    provider = whole.provider
    provider.claims, provider.is_down, provider.signs_with_its_key = dict(ANNA), False, True
    yield whole
    assert provider.faults == []


@pytest.fixture(name="browser")
def open_browser(place: Place) -> Iterator[Browser]:
    with Browser(place.page) as browser:
        yield browser


def test_who_the_settings_name_comes_in_with_the_role_that_they_give(
    place: Place, browser: Browser
) -> None:
    before = browser.open()
    landed = browser.sign_in()
    after = browser.open("system")

    assert "Sign in by 127" in before.text
    assert "Or with a key" in before.text
    assert landed.status_code == 200
    assert [answer.status_code for answer in landed.history] == [302, 302, 302]
    assert str(landed.url) == f"{place.page}/"
    assert "You are anna; your role is viewer." in after.text
    assert "Sign out" in after.buttons
    assert place.provider.asked[-1]["scope"] == "openid email"


def test_an_id_of_the_provider_does_as_well_as_an_email(place: Place, browser: Browser) -> None:
    place.provider.claims = {"sub": "77001"}

    browser.sign_in()

    assert "You are boris; your role is trader." in browser.open("system").text


def test_who_signs_out_is_out_here_and_at_the_provider(place: Place, browser: Browser) -> None:
    browser.sign_in()
    way = browser.open("system", press="Sign out").leads_to
    landed = browser.follow(way)

    assert landed.history[1].url.copy_with(query=None) == f"{place.provider.address}/logout"
    assert str(landed.url) == f"{place.page}/"
    assert "Sign in by" in browser.open("system").text
    assert not [one for one in browser.http.cookies.jar if one.name.startswith("_streamlit_user")]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email": "eve@example.org"}, "eve@example.org may not come into this desk"),
        ({"email_verified": False, "sub": "5"}, "to name you by your id there, 5."),
    ],
)
def test_nobody_else_comes_in_and_is_told_so(
    place: Place, browser: Browser, claims: dict[str, Any], words: str
) -> None:
    place.provider.claims = ANNA | claims

    browser.sign_in()
    seen = browser.open("system")

    assert words in seen.text.replace("\\", "")
    assert "Sign in as somebody else" in seen.buttons
    assert "your role is" not in seen.text


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"aud": "another desk"}, "azp"),
        ({"iss": "http://another.example"}, "iss"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    place: Place, browser: Browser, claims: dict[str, Any], reason: str
) -> None:
    place.provider.claims, before = ANNA | claims, len(place.log)

    landed = browser.sign_in()

    assert landed.status_code == 200
    assert "Sign in by" in browser.open("system").text
    assert reason in place.log[before:].splitlines()[-1]


def test_a_token_for_another_program_opens_nothing_whoever_asked_for_it(
    place: Place, browser: Browser
) -> None:
    place.provider.claims = ANNA | {"aud": "another desk", "azp": CLIENT}

    browser.sign_in()

    assert "Sign in by" in browser.open("system").text


def test_a_token_that_another_key_has_signed_opens_nothing(place: Place, browser: Browser) -> None:
    place.provider.signs_with_its_key, before = False, len(place.log)

    browser.sign_in()

    assert "Sign in by" in browser.open("system").text
    assert "BadSignatureError" in place.log[before:]


def test_an_answer_that_nobody_asked_for_opens_nothing(place: Place, browser: Browser) -> None:
    browser.sign_in()
    with Browser(place.page) as other:
        other.open()
        landed = other.follow(f"/oauth2callback?code=x&state={place.provider.asked[-1]['state']}")
        seen = other.open("system")

    assert landed.status_code == 200
    assert "Sign in by" in seen.text


def test_a_provider_that_is_down_is_told_before_anybody_is_sent_there(
    place: Place, browser: Browser
) -> None:
    place.provider.is_down = True

    seen = browser.open(press="Sign in by")

    assert "does not answer now" in seen.text
    assert not seen.leads_to


def test_under_another_name_of_the_page_one_is_led_to_where_the_provider_leads_back(
    place: Place,
) -> None:
    with Browser(place.page.replace("127.0.0.1", "localhost")) as browser:
        seen = browser.open()

    assert f'url: "{place.page}"' in seen.text
    assert not any(label.startswith("Sign in by") for label in seen.buttons)


def test_a_cookie_that_was_changed_opens_nothing(browser: Browser) -> None:
    browser.sign_in()
    [cookie] = [one for one in browser.http.cookies.jar if one.name == "_streamlit_user"]
    cookie.value = f"{(cookie.value or '')[:-2]}xx"

    assert "Sign in by" in browser.open("system").text


def test_who_is_taken_out_of_the_settings_is_out_at_once(place: Place, browser: Browser) -> None:
    browser.sign_in()
    file = place.settings.home / "setupdesk.toml"
    kept = file.read_text()
    file.write_text(kept.replace("anna@example.org", "olga@example.org"))
    try:
        without = browser.open("system").text
    finally:
        file.write_text(kept)

    assert "may not come into this desk" in without


def test_who_is_new_in_the_settings_is_told_that_the_desk_has_to_start_again(
    place: Place, browser: Browser
) -> None:
    file = place.settings.home / "setupdesk.toml"
    kept = file.read_text()
    file.write_text(kept.replace('"anna"', '"olga"'))
    try:
        browser.sign_in()
        seen = browser.open("system").text
    finally:
        file.write_text(kept)

    assert "The desk does not know you yet" in seen


def test_the_audit_log_names_who_signed_in_and_his_role_bounds_him(place: Place) -> None:
    own, request = place.settings.api_key_file.read_text(), {"setup_id": "none"}
    with (
        Client(place.api, own) as owner,
        Client(place.api, derive_key(own, "boris"), Door.UI) as boris,
        Client(place.api, derive_key(own, "anna"), Door.UI) as anna,
        Client(place.api, derive_key(own, "eve"), Door.UI) as eve,
    ):
        boris.ask(request)
        with pytest.raises(DeskAnswerError, match="takes the role trader"):
            anna.ask(request)
        with pytest.raises(DeskAnswerError, match="knows no such key"):
            eve.whoami()
        with pytest.raises(DeskAnswerError, match="The settings let boris sign in"):
            owner.revoke_key("sign-in:boris")
        [told] = owner.audit_log(5)

    assert (told["user"], told["door"]) == ("boris", "ui")


def test_no_secret_is_in_what_the_page_says_or_logs(place: Place, browser: Browser) -> None:
    browser.sign_in()
    own = place.settings.api_key_file.read_text()
    secrets = [SECRET, own, place.settings.cookie_key_file.read_text(), derive_key(own, "anna")]
    said = browser.open("system").text + place.log

    assert not [one for one in secrets if one in said]
    assert place.settings.cookie_key_file.stat().st_mode & 0o777 == 0o600
    assert not (place.settings.home / ".streamlit").exists()


def sign_in_with_key(browser: Browser, key: str) -> tuple[int, int]:
    """Sign in with a key, and fetch the cookie as the page does; then once more."""
    seen = browser.open(press="Sign in", write=key)
    [ticket] = re.findall(r'Setupdesk-Ticket\\": \\"([\w-]+)', seen.text)
    address, headers = f"{browser.address}/session", {"Setupdesk-Ticket": ticket}
    first, second = (browser.http.post(address, headers=headers) for _ in range(2))
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=strict" in first.headers["set-cookie"]
    return first.status_code, second.status_code


def test_a_key_opens_new_tabs_of_the_same_browser_until_signed_out(
    place: Place, browser: Browser
) -> None:
    answers = sign_in_with_key(browser, place.settings.api_key_file.read_text().strip())
    tab = browser.open("system")
    with Browser(place.page) as other:
        elsewhere = other.open("system").text
    browser.open("system", press="Sign out")
    after = browser.open("system").text

    assert answers == (204, 403)
    assert "Where its files are" in tab.text
    assert "Or with a key" in elsewhere
    assert "Or with a key" in after


def test_a_key_that_was_revoked_leads_to_the_form_again(place: Place, browser: Browser) -> None:
    wanted = {"name": "tab", "user": "eve", "role": "viewer", "days": 1}
    with Client(place.api, place.settings.api_key_file.read_text().strip(), Door.API) as own:
        made = own.add_key(wanted)
        sign_in_with_key(browser, made["key"])
        before = browser.open("system").text
        own.revoke_key(made["key_id"])
    after = browser.open("system")

    assert "You are eve; your role is viewer." in before
    assert "The key was revoked." in after.text
    assert "Or with a key" in after.text


def test_nobody_gets_a_cookie_without_a_ticket(browser: Browser) -> None:
    answers = [
        browser.http.post(f"{browser.address}/session", headers=one)
        for one in (
            {},
            {"Setupdesk-Ticket": "guessed"},
        )
    ]

    assert [one.status_code for one in answers] == [403, 403]
    assert not [one for one in answers if "set-cookie" in one.headers]


def make_link(place: Place, telegram_id: int, user: str, role: str) -> str:
    """Pair somebody, and make a link as the bot does for him."""
    own = place.settings.api_key_file.read_text().strip()
    with Client(place.api, own) as desk:
        code = desk.add_pairing_code(user, role)["code"]
        desk.pair_telegram(code, telegram_id, user)
    key = derive_key(own, f"telegram:{telegram_id}")
    with Client(place.api, key, Door.TELEGRAM) as bot:
        made = bot.add_sign_in_link()
    assert made["is_local"]
    return str(made["address"])


def test_a_link_lets_in_by_its_button_once_as_its_user_and_no_further(
    place: Place, browser: Browser
) -> None:
    link = make_link(place, 7, "vera", "viewer")
    with Browser(place.page) as preview:
        looks = [preview.http.get(link), preview.http.head(link), preview.http.get(link)]
        before = preview.open("system").text
    landed = browser.http.post(link, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})
    seen = browser.open("system").text
    again = browser.http.post(link, headers={"Accept-Language": "ru-RU,ru;q=0.9"})

    assert [one.status_code for one in looks] == [200, 200, 200]
    assert "Sign in as vera (viewer)" in looks[0].text
    assert not [one for one in looks if "set-cookie" in one.headers]
    assert looks[0].headers["referrer-policy"] == "no-referrer"
    assert looks[0].headers["cache-control"] == "no-store"
    assert "Or with a key" in before
    assert (landed.history[0].status_code, str(landed.url)) == (303, f"{place.page}/")
    assert "HttpOnly" in landed.history[0].headers["set-cookie"]
    assert "SameSite=strict" in landed.history[0].headers["set-cookie"]
    assert "You are vera; your role is viewer." in seen
    assert (again.status_code, "set-cookie" in again.headers) == (403, False)
    assert "Ссылка больше не действует" in again.text
    token = link.rpartition("/")[2]
    files = [one for one in place.settings.home.rglob("*") if one.is_file()]
    assert not [one for one in files if token.encode() in one.read_bytes()]


def test_who_is_unpaired_is_out_of_the_page_at_once(place: Place, browser: Browser) -> None:
    link, unused = (make_link(place, number, "olga", "trader") for number in (8, 9))
    browser.http.post(link)
    before = browser.open("system").text
    with Client(place.api, place.settings.api_key_file.read_text().strip()) as own:
        own.unpair_telegram(8)
        own.unpair_telegram(9)
        changes = own.changes(10)
    after = browser.open("system").text
    refused = browser.http.get(unused)

    assert "You are olga; your role is trader." in before
    assert "The key was revoked." in after
    assert refused.status_code == 403
    assert "This link opens nothing any more" in refused.text
    told = [(one["user"], one["deed"], one["said"]["door"]) for one in changes]
    assert ("olga", "link made", "telegram") in told
    assert ("olga", "link used", "ui") in told


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_presses_no_button_of_a_link(
    place: Place, browser: Browser, headers: dict[str, str]
) -> None:
    link = make_link(place, 10, "vera", "viewer")

    answer = browser.http.post(link, headers=headers)

    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert browser.http.get(link).status_code == 200


def test_what_is_no_link_is_asked_of_nobody(browser: Browser) -> None:
    answers = [browser.http.get(f"{browser.address}/link/{one}") for one in ("x", "a" * 43)]

    assert [one.status_code for one in answers] == [403, 403]
