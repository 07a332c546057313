"""Signing in and out by a provider in a real Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.served_pages import Visit
from tests.doors.ui.test_sign_in import make_link
from tests.doors.ui.with_provider import Place, serving_with_provider

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", name="place")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving_with_provider(tmp_path_factory.mktemp("desk")) as place:
        yield place


def test_a_user_comes_in_by_the_provider_stays_in_over_f5_and_goes_out(
    chromium: Any,
    place: Place,
) -> None:
    place.provider.claims = {"email": "anna@example.org", "email_verified": True}
    visit = Visit(chromium, place.page, "/system")
    page = visit.page
    page.get_by_role("button", name="Sign in by 127.0.0.1").click()
    page.get_by_role("button", name="Sign out").first.wait_for()
    page.goto(f"{place.page}/system")
    page.get_by_text("You are anna; your role is viewer.").wait_for()
    page.reload()
    page.get_by_text("You are anna; your role is viewer.").wait_for()
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("button", name="Sign in by 127.0.0.1").wait_for()

    assert page.url.startswith(place.page)
    assert {url.startswith(place.provider.address) for url in visit.strangers} == {True}
    assert visit.complaints == []


def test_a_stranger_is_told_that_he_may_not_and_can_be_somebody_else(
    chromium: Any,
    place: Place,
) -> None:
    place.provider.claims = {"email": "eve@example.org", "email_verified": True}
    visit = Visit(chromium, place.page, "/")
    page = visit.page
    page.get_by_role("button", name="Sign in by 127.0.0.1").click()
    page.get_by_text("eve@example.org may not come into this desk.").wait_for()
    page.get_by_role("button", name="Sign in as somebody else").click()
    page.get_by_role("button", name="Sign in by 127.0.0.1").wait_for()

    assert visit.complaints == []


def test_a_key_leads_on_to_the_address_and_stays_over_f5_until_signed_out(
    chromium: Any,
    place: Place,
) -> None:
    visit = Visit(chromium, place.page, "/run?run=run_2020_01_01_001")
    page = visit.page
    page.get_by_text("Or with a key").click()
    page.get_by_label("Key").fill(place.settings.api_key_file.read_text().strip())
    with page.expect_response("**/session") as fetched:
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("There is no run run_2020_01_01_001").wait_for()
    page.reload()
    page.get_by_text("There is no run run_2020_01_01_001").wait_for()
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_text("Or with a key").wait_for()
    page.reload()
    page.get_by_text("Or with a key").wait_for()

    assert fetched.value.status == 204
    [cookie] = [one for one in page.context.cookies() if one["name"] == "setupdesk_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert visit.strangers == []
    assert visit.complaints == []


def test_a_link_of_a_chat_lets_in_by_its_button_and_stays_over_f5(
    chromium: Any,
    place: Place,
) -> None:
    link = make_link(place, 7, "vera", "viewer")
    visit = Visit(chromium, place.page, "/link/none")
    page = visit.page
    page.set_content(f'<a href="{link}">from another site</a>')
    page.get_by_text("from another site").click()
    with page.expect_request("**/link/*") as pressed:
        page.get_by_role("button", name="Sign in as vera (viewer)").click()
    page.get_by_text("Sign out").first.wait_for()
    landed = page.url
    page.goto(f"{place.page}/system")
    page.get_by_text("You are vera; your role is viewer.").wait_for()
    page.reload()
    page.get_by_text("You are vera; your role is viewer.").wait_for()

    assert landed.startswith(f"{place.page}/")
    assert "/link/" not in landed
    assert "referer" not in pressed.value.headers
    [cookie] = [one for one in page.context.cookies() if one["name"] == "setupdesk_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert visit.strangers == []
