from datetime import time
from importlib.resources import files

import pytest
from pydantic import ValidationError

from setupdesk.adapters.catalogue import build_catalogue, load_catalogue

GER40 = files("setupdesk.adapters.catalogue").joinpath("GER40.toml").read_text("utf-8")


def test_every_symbol_that_ships_is_sound() -> None:
    catalogue = load_catalogue()

    names = [symbol.name for symbol in catalogue]

    assert names == sorted(names)
    assert {"GER40", "UK100", "US500", "NAS100", "US30", "JPN225", "EURUSD"} <= set(names)
    assert all(symbol.costs.spread[0][0] == time() for symbol in catalogue)


def test_ger40_is_what_a_trader_expects() -> None:
    ger40 = load_catalogue()["GER40"]

    windows = {name: (window.start, window.end) for name, window in ger40.windows.items()}

    assert (ger40.tick, ger40.price_range, ger40.week) == (0.1, (1_000, 100_000), "24x5")
    assert (ger40.zone, ger40.calendar) == ("Europe/Berlin", "XETR")
    assert (ger40.session.start, ger40.session.end) == (time(9), time(17, 30))
    assert ger40.session.zone == "Europe/Berlin"
    assert windows["initial_balance"] == (time(9), time(10))
    assert windows["initial_balance_futures"] == (time(8), time(9))
    assert windows["first_5m"] == (time(9), time(9, 5))
    assert windows["first_15m"] == (time(9), time(9, 15))
    assert windows["first_30m"] == (time(9), time(9, 30))
    assert (time(9), 1.2) in ger40.costs.spread
    assert ger40.costs.slippage == 0.5


@pytest.mark.parametrize(
    "alias",
    ["DE40", "DAX40", "DE30EUR", "GER30", "ger40.CASH", "DEUIDXEUR", "GRXEUR", "E_DAAX", "ger40"],
)
def test_the_names_of_other_programs_find_ger40(alias: str) -> None:
    found = load_catalogue().find(alias)

    assert found is not None
    assert found.name == "GER40"


def test_a_window_may_have_a_zone_of_its_own() -> None:
    asia = load_catalogue()["GER40"].windows["asia"]

    assert (asia.start, asia.end, asia.zone) == (time(20), time(0), "America/New_York")


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ('week = "24x5"', 'week = "24x5"\nwekk = 1', "Extra inputs are not permitted"),
        ("Europe/Berlin", "Europe/Berlim", "not an IANA time zone"),
        ("tick = 0.1", "tick = 0.0", "greater than 0"),
        ("[1_000, 100_000]", "[100_000, 1_000]", "price_range must be"),
        ("[00:00:00, 4.0], ", "", "spread must begin at 00:00:00"),
    ],
)
def test_a_mistake_in_a_symbol_is_named(right: str, wrong: str, reason: str) -> None:
    text = GER40.replace(right, wrong)

    with pytest.raises(ValidationError, match=reason):
        build_catalogue([text])


def test_two_symbols_never_answer_to_one_name() -> None:
    other = GER40.replace('name = "GER40"', 'name = "GER41"')

    with pytest.raises(ValueError, match="names both GER40 and GER41"):
        build_catalogue([GER40, other])
