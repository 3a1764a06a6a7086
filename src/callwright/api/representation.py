"""Resources as bytes: JSON, XML and CSV of the same fields (call-control reference §3.1)."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from callwright import clock

API_VERSION = "2010-04-01"
CONTENT_TYPES = {
    "json": "application/json",
    "xml": "application/xml",
    "csv": "text/csv; charset=utf-8",
}

# What XML 1.0 cannot hold, not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def date(moment: datetime | None) -> str | None:
    """A moment as the API writes it; None stays None."""
    return None if moment is None else clock.rfc2822(moment)


def number(value: int | None) -> str | None:
    """A number as the API writes it: a string; None stays None."""
    return None if value is None else str(value)


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """`account_sid` as XML has it: `AccountSid`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def to_json(body: Mapping[str, Any]) -> bytes:
    """The JSON form."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def to_xml(name: str, body: Mapping[str, Any]) -> bytes:
    """The XML form of one resource: `<TwilioResponse><Call><Sid>...`."""
    inner = _element(name, body)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<TwilioResponse>{inner}</TwilioResponse>'.encode(
        "utf-8", "replace"
    )


def page_to_xml(collection: str, name: str, page: Mapping[str, Any], items: list[dict[str, Any]]) -> bytes:
    """The XML form of a page: what JSON has beside the list are attributes of the collection's element."""
    attributes = "".join(
        f" {key.replace('_', '')}={quoteattr(_text(value))}" for key, value in page.items() if value is not items
    )
    inner = "".join(_element(name, item) for item in items)
    whole = f"<{collection}{attributes}>{inner}</{collection}>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<TwilioResponse>{whole}</TwilioResponse>'.encode(
        "utf-8", "replace"
    )


def page_to_csv(items: list[dict[str, Any]]) -> bytes:
    """The CSV form of a page: a line of names, then one line a resource, without nested fields."""
    if not items:
        return b""
    names = [name for name, value in items[0].items() if not isinstance(value, dict | list)]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(camel(name) for name in names)
    writer.writerows([_text(item[name]) for name in names] for item in items)
    return out.getvalue().encode("utf-8", "replace")


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(camel(key), field) for key, field in value.items())}</{name}>"
    if isinstance(value, list):
        singular = name.removesuffix("s")
        return f"<{name}>{''.join(_element(singular, item) for item in value)}</{name}>"
    if value is None or value == "":
        return f"<{name}/>"
    return f"<{name}>{escape(_text(value))}</{name}>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _UNWRITABLE.sub("\ufffd", str(value))
