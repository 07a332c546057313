"""Keys of those who sign in at the web desk: they come and go with the settings."""

from pathlib import Path

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.keys import Keys
from setupdesk.core.caller import Role
from setupdesk.core.errors import NotAllowedError
from setupdesk.core.sign_in import derive_key

OWN = "sdk_own"


@pytest.fixture(name="keys")
def open_keys(tmp_path: Path) -> Keys:
    keys = Keys(open_database(tmp_path / "ledger.db"), clock.now)
    keys.keep_own(OWN, "owner")
    return keys


def who(keys: Keys, user: str, own: str = OWN) -> str:
    try:
        return keys.find_caller(derive_key(own, user)).role
    except NotAllowedError as refused:
        return refused.code


def test_who_is_named_has_a_key_with_bounds_and_his_role_follows_the_settings(keys: Keys) -> None:
    keys.keep_sign_ins(OWN, {"anna": Role.ADMIN, "boris": Role.VIEWER})
    anna = keys.find_caller(derive_key(OWN, "anna"))
    keys.keep_sign_ins(OWN, {"anna": Role.VIEWER, "boris": Role.VIEWER})

    assert (anna.user, anna.role) == ("anna", Role.ADMIN)
    assert (anna.quota.key_id, anna.quota.most_waiting) == ("sign-in:anna", 20)
    assert anna.quota.most_running == 2
    assert who(keys, "anna") == Role.VIEWER


def test_who_is_taken_out_is_out_and_comes_back_when_named_again(keys: Keys) -> None:
    keys.keep_sign_ins(OWN, {"anna": Role.TRADER, "boris": Role.TRADER})
    keys.keep_sign_ins(OWN, {"boris": Role.TRADER})
    without = who(keys, "anna"), who(keys, "boris"), keys.still_opens("sign-in:anna")
    keys.keep_sign_ins(OWN, {"anna": Role.TRADER})

    assert without == ("revoked_key", Role.TRADER, False)
    assert (who(keys, "anna"), who(keys, "boris")) == (Role.TRADER, "revoked_key")
    assert keys.find_caller(OWN).user == "owner"


def test_with_another_key_of_the_desk_those_that_came_of_the_earlier_one_open_nothing(
    keys: Keys,
) -> None:
    keys.keep_sign_ins(OWN, {"anna": Role.TRADER})
    keys.keep_sign_ins("sdk_new", {"anna": Role.TRADER})

    assert who(keys, "anna") == "wrong_key"
    assert who(keys, "anna", "sdk_new") == Role.TRADER
