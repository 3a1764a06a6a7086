import json
import re
from collections.abc import Iterator
from typing import Any

from callwright.api.catalogue import STORED, routes
from callwright.api.openapi import document

from .conftest import Site

URL = "http://voice.example"


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_route_is_described() -> None:
    paths = document(URL)["paths"]
    described = sum(len(set(item) - {"parameters"}) for item in paths.values())
    assert described == sum(len(handlers) for _, handlers in routes().walk())
    assert len(document(URL)["components"]["schemas"]) == len(STORED)


def test_it_is_sound() -> None:
    """References lead somewhere, path parameters are those of the path, operations have names of their own."""
    whole = document(URL)
    for reference in references(whole):
        part = whole
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
    names = []
    for path, item in whole["paths"].items():
        assert [one["name"] for one in item["parameters"]] == re.findall(r"{(\w+)}", path)
        names += [operation["operationId"] for method, operation in item.items() if method != "parameters"]
    assert len(names) == len(set(names))


def test_a_declared_resource() -> None:
    paths = document(URL)["paths"]
    base = "/2010-04-01/Accounts/{account_sid}/SIP/CredentialLists/{credential_list_sid}/Credentials"
    create = paths[f"{base}.json"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert create["required"] == ["Username", "Password"]
    assert create["properties"]["Password"]["minLength"] == 12
    update = paths[f"{base}/{{credential_sid}}.json"]["post"]["requestBody"]["content"]
    assert set(update["application/x-www-form-urlencoded"]["schema"]["properties"]) == {"Password"}
    shown = document(URL)["components"]["schemas"]["Credential"]["properties"]
    assert "username" in shown and "password" not in shown
    numbers = paths["/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers.json"]["get"]["parameters"]
    assert {"PhoneNumber", "FriendlyName"} <= {one.get("name") for one in numbers}
    assert set(paths["/v1/ByocTrunks/{byoc_trunk_sid}"]) == {"parameters", "get", "post", "delete"}


async def test_everybody_may_read_it(site: Site) -> None:
    response, body = await site.ask("GET", "/openapi.json", account=None)
    assert response.status == 200 and response.content_type == "application/json"
    assert json.loads(body) == json.loads(json.dumps(document(URL)))
