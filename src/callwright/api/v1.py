"""What the product APIs have in common, /v1/...: JSON only, absolute URLs, and `meta` around a page (call-control
reference §3.1).
"""

from datetime import UTC, datetime
from typing import Any

from callwright.api.request import Page

VERSION = "v1"
URLS = {"first_page_url": "first_page_uri", "previous_page_url": "previous_page_uri", "next_page_url": "next_page_uri"}


def date(moment: datetime | None) -> str | None:
    """`2020-03-18T23:31:36Z`, without a fraction: the form that clients parse. None stays None."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(page: Page, public_url: str) -> dict[str, Any]:
    """A page of a list, in the form of /v1/.

    Args:
        public_url: what absolute URLs begin with, without a trailing slash.
    """

    def absolute(name: str) -> str | None:
        path = page.meta[name]
        return None if path is None else f"{public_url}{path}"

    meta = {
        "page": page.meta["page"],
        "page_size": page.meta["page_size"],
        **{name: absolute(uri) for name, uri in URLS.items()},
        "url": absolute("uri"),
        "key": page.key,
    }
    return {"meta": meta, page.key: page.items}
