from datetime import UTC, datetime, timedelta

import pytest

from setupdesk.core.hook import Hook, HookKind, find_wrong_senders
from setupdesk.core.standard_webhooks import derive_secret, is_signed, sign, write_secret

AT = datetime(2025, 5, 1, 9, 0, 30, tzinfo=UTC)
HOOK = Hook(
    hook_id="hook_1",
    sha256="",
    name="raids",
    user="ann",
    kind=HookKind.TRADINGVIEW,
    payload={"setup_id": "IB_raid_v1", "symbol": "GER40", "options": None},
    fields=("symbol", "timeframe", "options.rr_target", "extra.fill_rules", "options.dry_run"),
    senders=("52.89.214.238", "10.1.0.0/16", "2001:db8::/32"),
    created_at=AT,
)


def test_a_delivery_sets_its_fields_in_the_saved_request_and_nothing_else() -> None:
    said = {
        "symbol": "NAS100",
        "timeframe": 15,
        "options.rr_target": "2.5",
        "options.dry_run": "true",
        "extra.fill_rules": "backtesting.py",
        "at": "2025-05-01T09:00:00Z",
    }

    assert HOOK.build_payload(said) == {
        "setup_id": "IB_raid_v1",
        "symbol": "NAS100",
        "timeframe": "15",
        "options": {"rr_target": 2.5, "dry_run": True},
        "extra": {"fill_rules": "backtesting.py"},
    }
    assert HOOK.payload["symbol"] == "GER40"
    assert HOOK.payload["options"] is None


@pytest.mark.parametrize("text", ["1e400", "nan", "9" * 5000, "2,5", "٣", ""])
def test_what_is_no_plain_number_stays_text_for_start_to_refuse(text: str) -> None:
    assert HOOK.build_payload({"options.rr_target": text})["options"] == {"rr_target": text}


def test_a_field_that_the_hook_does_not_name_is_refused_with_those_that_it_does() -> None:
    [problem] = HOOK.find_problems({"symbl": "GER40", "symbol": "GER40", "at": "now"})

    assert (problem.field, problem.code, problem.suggestion) == ("symbl", "unknown_key", "symbol")
    assert problem.allowed == (*HOOK.fields, "at")


def test_a_value_that_is_no_text_and_no_number_is_refused() -> None:
    problems = HOOK.find_problems({"symbol": ["GER40"], "timeframe": None, "at": {}})

    assert [one.code for one in problems] == ["wrong_type"] * 3


def test_a_delivery_is_known_by_what_it_says_and_when_it_was_sent() -> None:
    said = {"symbol": "GER40", "at": "2025-05-01T09:00:00Z"}
    later = AT + timedelta(hours=5)

    assert HOOK.identify(said, AT) == HOOK.identify(dict(reversed(said.items())), later)
    assert HOOK.identify(said, AT) != HOOK.identify({**said, "at": "2025-05-01T09:15:00Z"}, AT)
    assert HOOK.identify(said, AT) != HOOK.identify({**said, "symbol": "NAS100"}, AT)


def test_a_delivery_that_does_not_say_when_is_known_by_the_minute_of_its_arrival() -> None:
    said = {"symbol": "GER40"}

    assert HOOK.identify(said, AT) == HOOK.identify(said, AT + timedelta(seconds=29))
    assert HOOK.identify(said, AT) != HOOK.identify(said, AT + timedelta(seconds=30))


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("52.89.214.238", True),
        ("::ffff:52.89.214.238", True),
        ("10.1.255.1", True),
        ("2001:db8::1", True),
        ("52.89.214.239", False),
        ("10.2.0.1", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_only_the_named_senders_are_admitted(address: str, *, admitted: bool) -> None:
    assert HOOK.admits(address) is admitted


def test_a_sender_is_an_address_or_a_network() -> None:
    wrong = find_wrong_senders(["10.0.0.0/8", "::1", "tradingview.com", "10.0.0.1/8", "1.2.3"])

    assert [one.message.split("'")[1] for one in wrong] == [
        "tradingview.com",
        "10.0.0.1/8",
        "1.2.3",
    ]


SECRET = derive_secret("master", "hook:hook_1")
NOW = int(AT.timestamp())


def is_ours(message_id: str, timestamp: str, signatures: str, body: bytes = b"{}") -> bool:
    return is_signed(SECRET, message_id, timestamp, signatures, body, AT)


def test_a_signature_is_that_of_the_standard() -> None:
    import base64

    # The example of the Standard Webhooks libraries' own tests.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signed = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_delivery_is_signed_by_one_of_several_signatures_and_fresh() -> None:
    good = sign(SECRET, "m1", NOW, b"{}")
    old = sign(SECRET, "m1", NOW - 301, b"{}")
    early = sign(SECRET, "m1", NOW + 301, b"{}")

    assert is_ours("m1", str(NOW), f"v1,AAAA {good} v2,x")
    assert not is_ours("m1", str(NOW - 301), old)
    assert not is_ours("m1", str(NOW + 301), early)
    assert not is_ours("m2", str(NOW), good)
    assert not is_ours("m1", str(NOW), good, b"{ }")
    assert not is_ours("m1", "now", good)
    assert not is_ours("m1", str(NOW), "")
    assert not is_ours("m1", str(NOW), good.replace("v1", "v1a"))
    assert not is_ours("m1", str(NOW), "v1,é" + good)
    assert not is_ours("m\n1", str(NOW), sign(SECRET, "m\n1", NOW, b"{}"))


def test_each_owner_has_a_secret_of_its_own() -> None:
    assert write_secret(SECRET).startswith("whsec_")
    assert len({derive_secret("master", one) for one in ("hook:a", "hook:b", "channel:a")}) == 3
    assert derive_secret("master", "hook:a") != derive_secret("other", "hook:a")
