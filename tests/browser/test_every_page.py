"""Every page of a full desk: in both themes, on a phone, and in Russian."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from docs.draw_web import fill
from setupdesk.client import connect
from setupdesk.settings import load_settings
from tests.browser.served_pages import Visit
from tests.e2e.test_desk import Desk

pytestmark = pytest.mark.browser

PAGES = {
    "new": "Before it starts",
    "runs": "Search",
    "run": "Equity and drawdown, in R",
    "compare": "Trades that differ",
    "live": "Beside a backtest",
    "schedules": "Next ticks",
    "setups": "Parameters of the setup",
    "data": "Levels of a day",
    "audit": "Choose a row to read the whole of its receipt.",
    "system": "Language and theme",
}
"""The pages by the names of their pictures, each with a sentence of its end."""

CUT_OFF = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = one => {
    for (let box = one.parentElement; box; box = box.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(box).overflowX)
          && box.getBoundingClientRect().right <= width + 1
          && box.dataset.testid !== "stMain") return true;
    return false;
  };
  const main = document.querySelector("[data-testid=stMain]");
  const found = [...main.querySelectorAll("*")]
    .filter(one => one.getBoundingClientRect().width && one.checkVisibility())
    .filter(one => one.getBoundingClientRect().right > width + 1 && !scrolls(one))
    .map(one => one.outerHTML.slice(0, 120));
  if (main.scrollWidth > main.clientWidth) found.push("it scrolls sideways");
  return found;
}"""
"""What is beyond the right edge of the page, and in nothing that scrolls by itself."""

ENGLISH = re.compile(r"(?<![\w./:-])[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}")
"""Three words beside each other; names, ids and paths are none."""

OPEN = """() => {
  for (const one of document.querySelectorAll("details:not([open]) > summary")) one.click();
}"""

NAMES = re.compile("First try ib germany|nightly IB raid|ICT silver bullet|Choose .*an option")
"""What somebody has called so, and Streamlit's word for a field that would be empty."""

READ = """() => {
  const copy = document.querySelector("[data-testid=stMain]").cloneNode(true);
  const own = "[data-testid=stElementToolbar], [data-testid=stIconMaterial], [role=tooltip]";
  for (const one of copy.querySelectorAll(`code, pre, textarea, ${own}`)) one.remove();
  const said = [...copy.querySelectorAll("[placeholder]")].map(one => one.placeholder);
  const walk = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) said.push(walk.currentNode.textContent.trim());
  return said;
}"""
"""What a page says in its texts, tables and fields; code and Streamlit's own words left out."""


@pytest.fixture(scope="module", name="address")
def find_address(desk: Desk) -> str:
    return str(desk.processes()["ui"]["address"])


@pytest.fixture(scope="module", name="places")
def fill_desk(desk: Desk) -> Iterator[dict[str, str]]:
    """Give the desk something of everything, and the places of its pages."""
    with connect(load_settings({"SETUPDESK_HOME": str(desk.home)})) as client:
        yield fill(client)
        for watch in client.watches():
            client.end_watch(watch["watch_id"])


@pytest.mark.parametrize("name", PAGES)
def test_it_is_whole_in_both_themes_and_on_a_phone(
    chromium: Any, address: str, places: dict[str, str], name: str
) -> None:
    visit = Visit(chromium, address, places[name])
    visit.await_text(PAGES[name])
    visit.await_whole()
    found = [visit.page.evaluate(CUT_OFF)]
    visit.page.emulate_media(color_scheme="dark")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.wait_for_timeout(1_000)
    found.append(visit.page.evaluate(CUT_OFF))
    colour = visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    visit.page.close()

    assert found == [[], []]
    assert colour == "rgb(14, 20, 32)"
    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.parametrize("name", PAGES)
def test_it_says_no_sentence_of_english_to_who_reads_russian(
    chromium: Any, address: str, places: dict[str, str], name: str
) -> None:
    visit = Visit(chromium, address, places[name])
    visit.await_text(PAGES[name])
    visit.page.get_by_role("radio", name="ru", exact=True).click()
    visit.page.get_by_text(PAGES[name]).first.wait_for(state="detached")
    visit.page.evaluate(OPEN)
    visit.page.wait_for_timeout(500)
    visit.await_whole()
    said = visit.page.evaluate(READ)
    visit.page.close()

    assert re.search("[\u0430-\u044f]{3}", " ".join(said))
    assert [text for text in said if ENGLISH.search(NAMES.sub("", text))] == []
    assert visit.complaints == []
    assert visit.strangers == []
