import pytest

from callwright.api.auth import Caller
from callwright.api.forms import Form
from callwright.api.request import ApiRequest
from callwright.errors import RestError

from .conftest import BASE, MINE, Site


def asked(site: Site, extension: str) -> ApiRequest:
    return ApiRequest(site.services, Caller(MINE), MINE, "GET", f"{BASE}/Calls.{extension}", extension, Form(), Form())


async def test_uris_keep_the_form_that_was_asked_for(site: Site) -> None:
    assert (asked(site, "json").base, asked(site, "json").suffix) == (BASE, ".json")
    assert [asked(site, extension).suffix for extension in ("", "xml", "csv")] == ["", "", ""]


async def test_sound_is_no_representation(site: Site) -> None:
    for extension in ("", "json", "xml", "csv"):
        asked(site, extension).representable()
    with pytest.raises(RestError) as refused:
        asked(site, "wav").representable()
    assert (refused.value.status, refused.value.code) == (404, 20404)
    assert refused.value.message == f"The requested resource {BASE}/Calls.wav was not found"
