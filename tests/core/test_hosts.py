import pytest

from setupdesk.core.hosts import is_loopback, normalize, read_authority, write_authority


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("localhost:8750", "localhost", "8750"),
        ("Desk.Example.ORG.", "desk.example.org", ""),
        ("[::1]:8750", "::1", "8750"),
        ("[0:0::1]", "::1", ""),
        ("127.0.0.1", "127.0.0.1", ""),
    ],
)
def test_a_host_is_read_with_its_port(text: str, name: str, port: str) -> None:
    assert read_authority(text) == (name, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "user@localhost",
        "localhost/",
        "localhost\n",
        "::1",
        "[::1",
        "localhost:",
        "localhost:x",
        "a..b",
        "\u0131ocalhost",
        "[not-an-address]:1:2",
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert read_authority(text) == ("", "")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),  # noqa: S104 (a name like any other)
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_only_what_is_this_machine_for_everybody_is_loopback(name: str, *, answer: bool) -> None:
    assert is_loopback(normalize(name)) is answer


def test_an_address_of_version_six_is_written_in_brackets() -> None:
    assert write_authority("::1", 80) == "[::1]:80"
    assert write_authority("localhost", 80) == "localhost:80"
