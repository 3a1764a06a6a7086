"""Lists that are always empty: of products that are none of a voice server's (call-control reference §3.3, §3.9)."""

from functools import partial
from typing import Any

from callwright.api.live_paging import live_page
from callwright.api.request import Answer, ApiRequest
from callwright.api.resources import recordings
from callwright.api.routes import OWN, Routes

Names = tuple[str, str, str]
OF_ACCOUNT: dict[str, Names] = {
    "AuthorizedConnectApps": ("AuthorizedConnectApps", "authorized_connect_apps", "AuthorizedConnectApp"),
    "ConnectApps": ("ConnectApps", "connect_apps", "ConnectApp"),
    "SMS/ShortCodes": ("ShortCodes", "short_codes", "ShortCode"),
}
"""Paths, and the collection, key and name of what is not there."""
ADD_ON_RESULTS: Names = ("AddOnResults", "add_on_results", "AddOnResult")


def _empty(request: ApiRequest, path: str, names: Names) -> Answer:
    nothing: list[dict[str, Any]] = []
    return live_page(request, f"{request.base}/{path}", names, nothing, dict)


async def listing(request: ApiRequest, *, path: str) -> Answer:
    """Nothing."""
    request.representable()
    return _empty(request, path, OF_ACCOUNT[path])


async def add_on_results(request: ApiRequest, recording_sid: str) -> Answer:
    """No add-on looks at recordings."""
    request.representable()
    row = await recordings.find(request, recording_sid)
    return _empty(request, f"Recordings/{row['sid']}/AddOnResults", ADD_ON_RESULTS)


def install(routes: Routes) -> None:
    """The paths."""
    for path in OF_ACCOUNT:
        routes.add("GET", f"{OWN}/{path}", partial(listing, path=path))
    routes.add("GET", f"{OWN}/Recordings/{{recording_sid}}/AddOnResults", add_on_results)
