from pathlib import Path

import pytest

from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import SymbolFiles, load_catalogue
from setupdesk.app.symbol_desk import SymbolDesk
from setupdesk.core.errors import InvalidSymbolError


def open_desk(folder: Path) -> SymbolDesk:
    files = SymbolFiles(folder / "symbols")
    return SymbolDesk(load_catalogue(folder / "symbols"), files, ExchangeCalendar(folder))


@pytest.mark.parametrize(
    ("says", "mistake"),
    [
        (
            "session = { start = 17:30:00, end = 09:00:00 }",
            "session: 17:30 to 09:00 goes beyond midnight, but XETR is open 09:00 to 17:30",
        ),
        (
            'calendar = "XNYS"',
            "zone: 'Europe/Berlin' is not that of the calendar XNYS, which is 'America/New_York'",
        ),
    ],
)
def test_a_zone_or_a_session_that_is_not_the_exchanges_is_a_mistake(
    tmp_path: Path, says: str, mistake: str
) -> None:
    with pytest.raises(InvalidSymbolError) as refused:
        open_desk(tmp_path).add(
            f'name = "GER40"\nextends = "GER40"\n{says}', "GER40.toml", "ann", dry_run=True
        )

    assert refused.value.mistakes == (mistake,)


def test_every_symbol_that_ships_passes_its_own_check(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)

    for symbol in load_catalogue():
        text = f'name = "{symbol.name}"\nextends = "{symbol.name}"'
        assert desk.add(text, f"{symbol.name}.toml", "ann", dry_run=True)["outcome"] == "checked"
