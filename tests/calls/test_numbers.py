"""Stored applications that calls are passed on to."""

from typing import cast

import pytest

from callwright.calls.application import Hook
from callwright.calls.numbers import Numbers
from callwright.store.directory import Directory, Record
from callwright.store.store import Store

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32


@pytest.mark.parametrize(("caller", "public", "found"), [(ONE, False, True), (TWO, False, False), (TWO, True, True)])
def test_an_application_of_another_account_when_it_is_open_to_all(caller: str, public: bool, found: bool) -> None:
    directory = Directory(cast(Store, None))  # nothing is written
    fields = {"voice_url": "http://app.example/voice", "public_application_connect_enabled": public}
    record = Record.new("AP", "applications", ONE, fields)
    directory.declare([record])
    numbers = Numbers(directory)
    reached = numbers.reachable(caller, record.sid)
    assert (reached is not None) is found
    if reached is not None:
        assert (reached.voice, reached.sid) == (Hook("http://app.example/voice"), record.sid)
    assert (numbers.application(caller, record.sid) is not None) is (caller == ONE), (
        "only its owner may place calls by it"
    )
    assert numbers.reachable(caller, "AP" + "0" * 32) is None


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("primary", [False, True])
def test_who_is_told_of_messages(stored: bool, primary: bool) -> None:
    """The number's own URLs, or those of the application that it names; no secondary without a primary."""
    directory = Directory(cast(Store, None))  # nothing is written
    urls = {"sms_fallback_url": "http://app.example/second", "sms_fallback_method": "GET"}
    urls |= {"sms_url": "http://app.example/first"} if primary else {}
    application = Record.new("AP", "applications", ONE, urls)
    named = {"sms_application_sid": application.sid} if stored else urls
    directory.declare(
        [application, Record.new("PN", "incoming_phone_numbers", ONE, {"phone_number": "+1555", **named})]
    )
    found = Numbers(directory).find("+1555")
    assert found is not None
    both = (Hook("http://app.example/first"), Hook("http://app.example/second", "GET")) if primary else (None, None)
    assert (found.message, found.message_fallback) == both
