import re
from datetime import time
from importlib.resources import files
from pathlib import Path

import pytest

from setupdesk.adapters.catalogue import SymbolFiles, load_catalogue
from setupdesk.core.errors import InvalidSymbolError, NotFoundError
from setupdesk.core.symbol import NEW_YORK_ROLL, Catalogue, Roll

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

    assert (ger40.tick, ger40.price_range, ger40.week) == (0.1, (3_000, 60_000), "24x5")
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


def own(folder: Path, text: str, name: str = "GER40") -> SymbolFiles:
    (folder / f"{name}.toml").write_text(text)
    return SymbolFiles(folder)


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ('week = "24x5"', 'week = "24x5"\nwekk = 1', "wekk: there is no such key"),
        ("Europe/Berlin", "Europe/Berlim", "zone: 'Europe/Berlim' is not an IANA time zone"),
        ("tick = 0.1", "tick = 0.0", "tick: 0.0 is wrong: Input should be greater than 0"),
        ("[3_000, 60_000]", "[60_000, 3_000]", "price_range: it must be [low, high]"),
        ("[00:00:00, 4.0], ", "", "costs.spread: it must begin at 00:00:00"),
        ("end = 09:05:00", "end = 09:07:30", "end: 09:07:30 is not on a whole minute"),
        ("end = 09:05:00", "end = 09:00:00", "it starts and ends at 09:00, so it has no length"),
        ('name = "GER40"', 'name = "ger 40"', "name: 'ger 40' does not have the form"),
        ('name = "GER40"', "name = ", "the TOML cannot be read"),
        ('name = "GER40"', 'extends = "GER4O"', "extends: 'GER4O' is not a symbol that ships"),
    ],
)
def test_a_mistake_in_a_symbol_is_named(
    tmp_path: Path, right: str, wrong: str, reason: str
) -> None:
    text = GER40.replace(right, wrong)

    with pytest.raises(InvalidSymbolError, match=re.escape(reason)):
        SymbolFiles(tmp_path).check(text, "GER40.toml")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = """
        name = "DAX"
        title = ""
        aliases = ["DAX40", "MY_DAX"]
        tick = -1
        price_range = [100_000, 1_000]
        zone = "Europe/Berlim"
        calendar = "XETRA"
        week = 09:00:00
        colour = true
        session = { start = 09:00:00, end = 17:30:00 }
        windows = {}
        costs = { slippage = 0.5, spread = [[09:00:00, 1.2]] }
        feeds = { ccxt = { name = "DAX" } }
    """

    with pytest.raises(InvalidSymbolError) as refused:
        SymbolFiles(tmp_path).check(text, "DAX.toml", lambda code, *_: [f"calendar: no {code}"])

    assert sorted(refused.value.mistakes) == [
        "'DAX40' names both GER40 and DAX",
        "calendar: no XETRA",
        "colour: there is no such key",
        "costs.spread: it must begin at 00:00:00 and ascend",
        "feeds: ccxt needs exchange and market, such as bitstamp:BTC/USD",
        "price_range: it must be [low, high], both above zero",
        "tick: -1 is wrong: Input should be greater than 0",
        "title: '' is wrong: String should have at least 1 character",
        """week: "09:00:00" is not one of '24x5' or '24x7'""",
        "zone: 'Europe/Berlim' is not an IANA time zone",
    ]


def test_an_unknown_model_hides_no_other_mistake_and_makes_up_none(tmp_path: Path) -> None:
    text = 'name = "DAX"\nextends = "GER4O"\ntick = 0\naliases = ["DAX40"]\n'

    with pytest.raises(InvalidSymbolError) as refused:
        SymbolFiles(tmp_path).check(text, "DAX.toml")

    assert refused.value.mistakes == (
        "extends: 'GER4O' is not a symbol that ships",
        "tick: 0 is wrong: Input should be greater than 0",
        "'DAX40' names both GER40 and DAX",
    )


def test_two_symbols_never_answer_to_one_name(tmp_path: Path) -> None:
    other = GER40.replace('name = "GER40"', 'name = "GER41"')

    symbols = own(tmp_path, other, "GER41")

    assert "GER41" not in symbols
    assert "'DAX40' names both GER40 and GER41" in symbols.mistakes["GER41.toml"]


def test_a_users_file_replaces_the_symbol_of_its_name(tmp_path: Path) -> None:
    text = 'name = "GER40"\nextends = "GER40"\ntrade_on_holidays = true\n[costs]\nslippage = 9.0\n'

    symbols = own(tmp_path, text)

    shipped = load_catalogue()["GER40"]
    assert symbols["GER40"].costs.slippage == 9.0
    assert symbols["GER40"].costs.spread == shipped.costs.spread
    assert symbols["GER40"].trade_on_holidays
    assert symbols["GER40"].aliases == shipped.aliases
    assert symbols["GER40"].digest != shipped.digest
    assert symbols.is_own("GER40")


def test_a_symbol_that_extends_another_does_not_take_its_names(tmp_path: Path) -> None:
    text = (
        'name = "AUS200"\nextends = "GER40"\nzone = "Australia/Sydney"\ncalendar = "XASX"\n'
        'roll = { at = 00:00:00, zone = "UTC" }\n'
    )

    symbols = own(tmp_path, text, "AUS200")

    assert symbols["AUS200"].aliases == ()
    assert symbols["AUS200"].session.zone == "Australia/Sydney"
    assert symbols["AUS200"].roll == Roll(at=time(0), zone="UTC")
    assert symbols["GER40"].roll == NEW_YORK_ROLL
    found = Catalogue(symbols).find("DAX40")
    assert found is not None
    assert found.name == "GER40"


def test_a_broken_file_takes_its_symbol_away_and_no_other(tmp_path: Path) -> None:
    symbols = own(tmp_path, 'name = "GER40"\nextends = "GER40"\nspread = 3\n')

    assert "GER40" not in symbols
    assert "EURUSD" in symbols
    assert symbols.mistakes == {"GER40.toml": ("spread: there is no such key",)}


def test_a_file_must_have_the_name_of_its_symbol(tmp_path: Path) -> None:
    symbols = own(tmp_path, 'name = "DAX"\nextends = "GER40"\n', "dax2")

    assert symbols.mistakes == {"dax2.toml": ("name: 'DAX' must be the name of the file",)}


def test_a_change_of_a_file_is_seen_without_a_restart(tmp_path: Path) -> None:
    symbols = SymbolFiles(tmp_path)
    text = 'name = "GER40"\nextends = "GER40"\ntick = 0.5\n'
    before = symbols["GER40"].tick

    symbols.add(symbols.check(text, "GER40.toml"), text)

    after = symbols["GER40"].tick
    (tmp_path / "GER40.toml").unlink()
    assert (before, after, symbols["GER40"].tick) == (0.1, 0.5, 0.1)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * 70_000])
def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "X1.toml").write_bytes(content)

    mistakes = SymbolFiles(tmp_path).mistakes

    assert len(mistakes["X1.toml"]) == 1


def test_an_unknown_symbol_gets_a_suggestion() -> None:
    with pytest.raises(NotFoundError, match="no symbol 'GRE40', did you mean 'GER40'"):
        load_catalogue().need("GRE40")


def test_a_wrong_file_is_named_where_its_symbol_is_missed(tmp_path: Path) -> None:
    (tmp_path / "GER40.toml").write_text('name = "GER40"\nextends = "GER40"\ntick = 0\n')

    with pytest.raises(NotFoundError, match=r"your own file GER40.toml is wrong: tick: 0 is wrong"):
        load_catalogue(tmp_path).need("ger40")
