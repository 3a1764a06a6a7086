"""DialingPermissions: countries that an account may call (call-control reference §3.14).

Ordinary numbers may be called until an account says otherwise, special ones and those that toll fraud likes may not
until it says so. A call to a number whose kind is disabled in its country is refused: 21215 over the API, 13227 in a
Dial. `calls/destinations.py` says which numbers are of which kind.
"""

import json
from collections.abc import Iterator
from typing import Any

from callwright import clock
from callwright.api.errors import INVALID_PARAMETER, invalid
from callwright.api.paging import asked
from callwright.api.request import Answer, ApiRequest, Page, Resource
from callwright.api.routes import Routes
from callwright.api.stored.operations import given
from callwright.api.stored.values import Flag
from callwright.calls.countries import COUNTRIES, Country, countries_of
from callwright.calls.destinations import SPECIAL_PREFIXES
from callwright.calls.permissions import FLAGS, KIND, SETTINGS, Permissions, sid
from callwright.errors import RestError
from callwright.store.directory import Directory, Record

BASE = "/v1/DialingPermissions"
FLAG_FILTERS = ("LowRiskNumbersEnabled", "HighRiskSpecialNumbersEnabled", "HighRiskTollfraudNumbersEnabled")
MOST_UPDATES = 1000


def _present(request: ApiRequest, country: Country) -> dict[str, Any]:
    url = f"{request.services.public_url}{BASE}/Countries/{country.iso}"
    return {
        "iso_code": country.iso,
        "name": country.name,
        "continent": country.continent,
        "country_codes": [f"+{code}" for code in country.codes],
        **Permissions(request.services.directory).flags(request.account, country.iso),
        "url": url,
        "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
    }


def _fitting(request: ApiRequest) -> Iterator[dict[str, Any]]:
    query = request.query
    code = query.text("CountryCode").strip().removeprefix("+")
    flags = {flag: query.boolean(name) for flag, name in zip(FLAGS, FLAG_FILTERS, strict=True) if query.text(name)}
    for country in COUNTRIES.values():
        named = query.text("IsoCode", country.iso).upper() == country.iso
        there = query.text("Continent", country.continent).upper() == country.continent
        if named and there and (not code or code in country.codes):
            shown = _present(request, country)
            if all(shown[flag] is wanted for flag, wanted in flags.items()):
                yield shown


def _page(request: ApiRequest, path: str, every: list[dict[str, Any]], name: str = "Country") -> Page:
    size, number, _ = asked(request.query)

    def url(page: int) -> str:
        kept = "".join(f"{name}={value}&" for name, value in request.query.items() if name in FLAG_FILTERS)
        return f"{request.services.public_url}{path}?{kept}PageSize={size}&Page={page}"

    meta = {
        "page": number,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(number - 1) if number else None,
        "url": url(number),
        "next_page_url": url(number + 1) if (number + 1) * size < len(every) else None,
        "key": "content",
    }
    return Page("Countries", "content", name, every[number * size : (number + 1) * size], {"meta": meta})


async def listing(request: ApiRequest) -> Answer:
    """Countries, by name."""
    return _page(request, f"{BASE}/Countries", list(_fitting(request)))


async def fetch(request: ApiRequest, iso_code: str) -> Answer:
    """One country."""
    if (country := COUNTRIES.get(iso_code.upper())) is None:
        raise request.missing()
    return Resource("Country", _present(request, country))


async def prefixes(request: ApiRequest, iso_code: str) -> Answer:
    """What special numbers of a country begin with."""
    if (country := COUNTRIES.get(iso_code.upper())) is None:
        raise request.missing()
    found = [{"prefix": f"+{prefix}"} for prefix in SPECIAL_PREFIXES if country in countries_of(prefix)]
    path = f"{BASE}/Countries/{country.iso}/HighRiskSpecialPrefixes"
    return _page(request, path, found, "HighRiskSpecialPrefix")


def _updates(text: str) -> dict[str, dict[str, bool]]:
    """What a bulk update asks for: `[{"iso_code": "GB", "low_risk_numbers_enabled": "true"}]`.

    Raises:
        RestError: 20422.
    """
    try:
        asked_for = json.loads(text)
        if not isinstance(asked_for, list) or not 0 < len(asked_for) <= MOST_UPDATES:
            raise ValueError("a list of countries")
        found = {}
        for one in asked_for:
            iso = str(one["iso_code"]).upper()
            if iso not in COUNTRIES:
                raise ValueError(iso)
            values = {flag: str(one[flag]).lower() for flag in FLAGS if flag in one}
            if not set(values.values()) <= {"true", "false"}:
                raise ValueError("true or false")
            found[iso] = {flag: value == "true" for flag, value in values.items()}
        return found
    except (ValueError, KeyError, TypeError, RecursionError):
        raise invalid("UpdateRequest", text[:64]) from None


async def update(request: ApiRequest) -> Answer:
    """Changes several countries at once."""
    text, directory = request.form.text("UpdateRequest"), request.services.directory
    if not text:
        raise RestError("UpdateRequest is required", code=INVALID_PARAMETER)
    wanted, own = _updates(text), request.account.sid
    changed = [_kept(directory, KIND, own, iso).changed(iso_code=iso, **flags) for iso, flags in wanted.items()]
    await directory.change(*changed)
    return Resource("BulkCountryUpdate", {"update_count": len(changed), "update_request": text}, 201)


def _kept(directory: Directory, kind: str, account_sid: str, iso: str) -> Record:
    now, key = clock.now(), sid(account_sid, iso)
    return directory.get(kind, key) or Record(key, kind, account_sid, {}, "", now, now)


def _settings(request: ApiRequest) -> Resource:
    record = request.services.directory.get(SETTINGS, sid(request.account.sid))
    inherits = True if record is None else record["dialing_permissions_inheritance"]
    url = f"{request.services.public_url}/v1/Settings"
    return Resource("Settings", {"dialing_permissions_inheritance": inherits, "url": url})


async def settings(request: ApiRequest) -> Answer:
    """Whether a subaccount has its owner's permissions."""
    return _settings(request)


async def set_settings(request: ApiRequest) -> Answer:
    """Changes that."""
    directory = request.services.directory
    changes = given(request, {"DialingPermissionsInheritance": Flag()})
    await directory.change(_kept(directory, SETTINGS, request.account.sid, "").changed(**changes))
    shown = _settings(request)
    return Resource(shown.name, shown.body, 202)


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("GET", f"{BASE}/Countries", listing)
    routes.add("GET", f"{BASE}/Countries/{{iso_code}}", fetch)
    routes.add("GET", f"{BASE}/Countries/{{iso_code}}/HighRiskSpecialPrefixes", prefixes)
    routes.add("POST", f"{BASE}/BulkCountryUpdates", update)
    routes.add("GET", "/v1/Settings", settings)
    routes.add("POST", "/v1/Settings", set_settings)
