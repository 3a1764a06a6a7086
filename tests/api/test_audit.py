"""Changes of resources, and who made them."""

import pytest

from callwright.api.audit import HIDDEN, properties, type_of
from callwright.store.directory import Record


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("applications", "application"),
        ("incoming_phone_numbers", "phone-number"),
        ("keys", "api-key"),
        ("addresses", "address"),
        ("ip_addresses", "ip-address"),
        ("connection_policies", "connection-policy"),
        ("credential_lists", "credential-list"),
    ],
)
def test_types(kind: str, expected: str) -> None:
    assert type_of(kind) == expected


def test_properties_that_have_changed() -> None:
    old = Record("AP1", "applications", "AC1", {"friendly_name": "a", "voice_url": "http://a.example", "same": 1})
    new = old.changed(friendly_name="b", voice_method="GET")
    assert properties(old, new) == {
        "friendly_name": {"previous": "a", "updated": "b"},
        "voice_method": {"previous": None, "updated": "GET"},
    }
    assert properties(None, old)["same"] == {"previous": None, "updated": 1}
    assert properties(old, None)["same"] == {"previous": 1, "updated": None}


def test_secrets_are_hidden() -> None:
    account = Record("AC2", "accounts", "AC1", {"auth_token": "one", "secondary_auth_token": ""})
    found = properties(account, account.changed(auth_token="two", secondary_auth_token="three"))
    assert found == {
        "auth_token": {"previous": HIDDEN, "updated": HIDDEN},
        "secondary_auth_token": {"previous": "", "updated": HIDDEN},
    }
