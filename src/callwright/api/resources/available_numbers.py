"""AvailablePhoneNumbers: what may still be claimed from the ranges of [numbers] (call-control reference §3.7)."""

from functools import partial
from itertools import islice
from typing import Any

from callwright.api.errors import INVALID_PARAMETER
from callwright.api.forms import Form
from callwright.api.paging import DEFAULT_SIZE, MAX_SIZE, aside
from callwright.api.request import Answer, ApiRequest, Page, Resource
from callwright.api.resources.calls import formatted
from callwright.api.resources.incoming_numbers import CAPABILITIES, free, open_to
from callwright.api.routes import OWN, Routes
from callwright.api.stored.pages import matches, plus
from callwright.sections import MOST_NUMBERS, NumberRange

TYPES = {"local": "Local", "mobile": "Mobile", "toll-free": "TollFree"}


def _country(request: ApiRequest, code: str) -> dict[str, Any]:
    base = f"{request.base}/AvailablePhoneNumbers/{code}"
    types = {one.type for one in request.services.config.numbers.ranges if one.country == code}
    return {
        "country_code": code,
        "country": code,
        "uri": base + request.suffix,
        "beta": False,
        "subresource_uris": {
            name.replace("-", "_"): f"{base}/{part}{request.suffix}" for name, part in TYPES.items() if name in types
        },
    }


def _codes(request: ApiRequest) -> list[str]:
    ranges = request.services.config.numbers.ranges
    return sorted({one.country for one in ranges if open_to(request.account, one)})


async def countries(request: ApiRequest) -> Answer:
    """Countries of which the account may claim numbers."""
    request.representable()
    found = [_country(request, code) for code in _codes(request)]
    uri = f"{request.base}/AvailablePhoneNumbers{request.suffix}"
    return Page("Countries", "countries", "Country", found, {"uri": uri})


async def country(request: ApiRequest, country_code: str) -> Answer:
    """One of them."""
    request.representable()
    if country_code.upper() not in _codes(request):
        raise request.missing()
    return Resource("Country", _country(request, country_code.upper()))


async def numbers(request: ApiRequest, country_code: str, *, kind: str) -> Answer:
    """Free numbers of a country and a type."""
    request.representable()
    size = request.query.integer("PageSize", 1, 999_999_999, code=INVALID_PARAMETER) or DEFAULT_SIZE
    wanted = partial(_wanted, query=request.query, code=country_code.upper(), kind=kind)
    free_now = free(request, request.query.text("AreaCode"))
    fitting = (_present(*one) for one in free_now if wanted(*one))
    items = await aside(lambda: list(islice(fitting, min(size, MAX_SIZE))), MOST_NUMBERS)
    uri = f"{request.base}/AvailablePhoneNumbers/{country_code}/{TYPES[kind]}{request.suffix}"
    return Page("AvailablePhoneNumbers", "available_phone_numbers", "AvailablePhoneNumber", items, {"uri": uri})


def _wanted(one: NumberRange, number: str, *, query: Form, code: str, kind: str) -> bool:
    return (
        (one.country, one.type) == (code, kind)
        and matches(number, plus(query.text("Contains")))
        and query.text("InRegion", one.region) == one.region
        and query.text("InLocality", one.locality) == one.locality
        and query.boolean("VoiceEnabled", True)
        and not any(query.boolean(name) for name in ("SmsEnabled", "MmsEnabled", "FaxEnabled"))
    )


def _present(one: NumberRange, number: str) -> dict[str, Any]:
    return {
        "friendly_name": formatted(number),
        "phone_number": number,
        "lata": None,
        "locality": one.locality or None,
        "rate_center": None,
        "latitude": None,
        "longitude": None,
        "region": one.region or None,
        "postal_code": None,
        "iso_country": one.country,
        "address_requirements": "none",
        "beta": False,
        "capabilities": {name: able for name, able in CAPABILITIES.items() if name != "fax"},
    }


def install(routes: Routes) -> None:
    """The paths."""
    base = f"{OWN}/AvailablePhoneNumbers"
    routes.add("GET", base, countries)
    routes.add("GET", f"{base}/{{country_code}}", country)
    for kind, part in TYPES.items():
        routes.add("GET", f"{base}/{{country_code}}/{part}", partial(numbers, kind=kind))
