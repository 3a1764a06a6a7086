import csv
import io
from datetime import datetime, timedelta, timezone

from lxml import etree

from callwright.api.representation import camel, date, number, page_to_csv, page_to_xml, to_json, to_xml


def test_values() -> None:
    moment = datetime(2026, 1, 5, 1, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert date(moment) == "Sun, 04 Jan 2026 23:00:00 +0000"
    assert (date(None), number(None), number(0)) == (None, None, "0")


def test_camel_case() -> None:
    assert [camel(name) for name in ("sid", "account_sid", "to_formatted", "api_version", "subresource_uris")] == [
        "Sid",
        "AccountSid",
        "ToFormatted",
        "ApiVersion",
        "SubresourceUris",
    ]


def test_json_is_utf_8() -> None:
    assert to_json({"a": "ü", "b": None, "c": "\ud800"}) == '{"a":"ü","b":null,"c":"?"}'.encode()


def test_xml_escapes_and_stays_well_formed() -> None:
    body = {
        "text": "<a> & \x01\ud800 \U0001f600",
        "none": None,
        "flag": True,
        "uris": {"one": "/1"},
        "items": ["x", "y"],
    }
    root = etree.fromstring(to_xml("Thing", body))
    assert root.findtext("Thing/Text") == "<a> & \ufffd\ufffd \U0001f600"
    assert root.findtext("Thing/Flag") == "true"
    assert root.findtext("Thing/Uris/One") == "/1"
    assert [item.text for item in root.findall("Thing/Items/Item")] == ["x", "y"]


def test_xml_pages() -> None:
    items = [{"sid": "1"}, {"sid": "2"}]
    page = etree.fromstring(page_to_xml("Calls", "Call", {"page": 0, "next_page_uri": '/x?a="1"&b'}, items))[0]
    assert (page.tag, page.get("page"), page.get("nextpageuri")) == ("Calls", "0", '/x?a="1"&b')
    assert [call.findtext("Sid") for call in page] == ["1", "2"]


def test_csv_pages() -> None:
    items = [{"sid": "1", "caller_name": 'a,"b"\nc', "price": None, "subresource_uris": {}}]
    assert list(csv.reader(io.StringIO(page_to_csv(items).decode()))) == [
        ["Sid", "CallerName", "Price"],
        ["1", 'a,"b"\nc', ""],
    ]
    assert page_to_csv([]) == b""
