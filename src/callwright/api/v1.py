"""Pages of rows in the manner of the product APIs: absolute URLs in a `meta` (call-control reference §3.1)."""

from dataclasses import replace

from callwright.api.request import Page

URLS = {
    "first_page_url": "first_page_uri",
    "previous_page_url": "previous_page_uri",
    "url": "uri",
    "next_page_url": "next_page_uri",
}


def enveloped(page: Page, public_url: str) -> Page:
    """A page of the 2010-04-01 API as a product API has it.

    Args:
        public_url: what absolute URLs begin with, without a trailing slash.
    """
    whole = {"page": page.meta["page"], "page_size": page.meta["page_size"], "key": page.key}
    for name, uri in URLS.items():
        path = page.meta[uri]
        whole[name] = None if path is None else f"{public_url}{path}"
    return replace(page, meta={"meta": whole})
