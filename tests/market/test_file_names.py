import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.errors import InvalidImportError
from setupdesk.market.file_names import check_names, explain_unwanted

CATALOGUE = load_catalogue()
GER40 = CATALOGUE["GER40"]


@pytest.mark.parametrize(
    ("path", "symbol"),
    [
        ("FOREXCOM_GER40, 15 (3).csv", "GER40"),
        ("GER4015.csv", "GER40"),
        ("US5001440.hst", "US500"),
        ("US301.csv", "US30"),
        ("GER40.cash_M15.csv", "GER40"),
        ("DEUIDXEUR/2025/02/28/BID_candles_min_1.bi5", "GER40"),
        ("DEU.IDX-EUR_Candlestick_1_M_BID.csv", "GER40"),
        ("cfd/oanda/minute/de30eur/20190220_quote.zip/20190220.csv", "GER40"),
        ("DAT_ASCII_GRXEUR_M1_2024.csv", "GER40"),
        ("EUR-USD_1Minute_BID_2000-01-01.csv", "EURUSD"),
        ("BTC_USDT-5m.feather", "BTCUSD"),
        ("XAUUSD240.csv", "XAUUSD"),
        ("GER40/EURUSD.csv", "EURUSD"),
    ],
)
def test_names_of_files_tell_their_symbol(path: str, symbol: str) -> None:
    other = CATALOGUE["UK100"]

    warnings = check_names([path], other, CATALOGUE)

    assert warnings == (f"{path} has bars of {symbol} by its name, but was imported as UK100.",)
    assert check_names([path], CATALOGUE[symbol], CATALOGUE) == ()


@pytest.mark.parametrize("path", ["bars.csv", "golden.csv", "2025.csv", "6EH4_1min.csv", "M15.csv"])
def test_other_names_tell_nothing(path: str) -> None:
    assert check_names([path], GER40, CATALOGUE) == ()


def test_files_of_several_symbols_are_refused_with_two_of_them() -> None:
    with pytest.raises(
        InvalidImportError, match=r"^b/UK100.csv was .* of UK100, while a/GER40.csv"
    ):
        check_names(["a/GER40.csv", "b/UK100.csv", "c.csv"], GER40, CATALOGUE)
    with pytest.raises(
        InvalidImportError, match=r"bars of UK100, while US30.csv has those of US30"
    ):
        check_names(["UK100.csv", "US30.csv"], GER40, CATALOGUE)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".DS_Store", "hidden"),
        (".git/config", "hidden"),
        ("__MACOSX/._GER40.csv", "hidden"),
        ("~$GER40.xlsx", "hidden"),
        ("2025/README", "not a file of bars"),
        ("README.txt", "not a file of bars"),
        ("SOURCE.md", "not a file of bars"),
        ("LICENSE", "not a file of bars"),
        ("chart.PNG", "not a file of bars"),
        ("SHA256SUMS", "not a file of bars"),
        ("checksums.txt", "not a file of bars"),
        ("BTCUSDT-5m-2025-01.zip.CHECKSUM", "a checksum"),
        ("GER40.csv.sha256", "a checksum"),
        ("DAT_ASCII.txt", "a report beside its .csv"),
    ],
)
def test_files_without_bars_are_known_by_name(path: str, reason: str) -> None:
    assert explain_unwanted(path, {"dat_ascii.csv"}) == reason


@pytest.mark.parametrize(
    "path",
    ["GER40.csv", "GER40", "2025/04/09h_ticks.bi5", "a.txt", "a.xlsx", "sources.csv", "a.b.c"],
)
def test_all_others_may_have_bars(path: str) -> None:
    assert explain_unwanted(path, {"dat_ascii.csv"}) is None
