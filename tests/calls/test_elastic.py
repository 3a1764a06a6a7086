from typing import cast

from lxml import etree

from callwright.calls.application import Hook
from callwright.calls.elastic import NO_WAY
from callwright.calls.numbers import Numbers
from callwright.store.directory import Directory, Record
from callwright.store.store import Store
from callwright.twiml.document import parse

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32
NUMBER = "+15550001000"


def numbers(*urls: tuple[str, int, bool], owner: str = ONE, **trunk: str) -> Numbers:
    """A number of a trunk with these origination URLs: (URI, priority, enabled)."""
    directory = Directory(cast(Store, None))  # nothing is written
    of = Record.new("TK", "trunks", owner, trunk)
    fields = {
        "phone_number": NUMBER,
        "trunk_sid": of.sid,
        "voice_url": "http://a.example/",
        "status_callback": "http://a.example/s",
    }
    own = [
        Record.new(
            "OU",
            "origination_urls",
            owner,
            {"sip_url": uri, "priority": priority, "weight": 10, "enabled": enabled},
            parent_sid=of.sid,
        )
        for uri, priority, enabled in urls
    ]
    directory.declare([of, Record.new("PN", "incoming_phone_numbers", ONE, fields), *own])
    return Numbers(directory)


def test_calls_go_to_the_origination_urls() -> None:
    found = numbers(
        ("sip:late.example", 20, True), ("sip:pbx.example:5080;transport=tcp", 10, True), ("sip:off.example", 1, False),
        mode="record-from-answer-dual", trim="trim-silence",
    ).find(NUMBER)  # fmt: skip
    assert found is not None and found.application.twiml is not None
    parse(found.application.twiml.encode(), "text/xml", "")
    dial = etree.fromstring(found.application.twiml.encode()).find("Dial")
    assert dial is not None
    assert dict(dial.attrib) == {"answerOnBridge": "true", "record": "record-from-answer-dual", "trim": "trim-silence"}
    assert [(uri.text, uri.get("priority"), uri.get("weight")) for uri in dial.iterfind("Sip/Uri")] == [
        (f"sip:{NUMBER}@pbx.example:5080;transport=tcp", "10", "10"),
        (f"sip:{NUMBER}@late.example", "20", "10"),
    ]
    assert found.application.voice is None and found.application.status_callback == Hook("http://a.example/s")


def test_a_trunk_without_a_way_takes_no_calls() -> None:
    found = numbers(("sip:off.example", 1, False)).find(NUMBER)
    assert found is not None and found.application.twiml == NO_WAY


def test_a_trunk_of_another_account_is_none() -> None:
    found = numbers(("sip:x.example", 1, True), owner=TWO).find(NUMBER)
    assert found is not None and found.application.voice == Hook("http://a.example/")
