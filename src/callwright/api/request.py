"""A request to a resource, and the answers that a resource gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from callwright.account import Account
from callwright.api.auth import Caller
from callwright.api.errors import not_found
from callwright.api.forms import Form
from callwright.api.representation import API_VERSION, CONTENT_TYPES
from callwright.api.services import Services
from callwright.errors import RestError


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """An authenticated request.

    Attributes:
        caller: who authenticated.
        account: whose resources the path names: the caller's own, or one that he owns.
        path: as requested, with its extension.
        extension: "json", "xml", "csv", "wav", "mp3" or "" for none (XML, or the media of a recording).
        query: parameters of the URL.
        form: parameters of the body.
    """

    services: Services
    caller: Caller
    account: Account
    method: str
    path: str
    extension: str
    query: Form
    form: Form

    @property
    def base(self) -> str:
        """The path of the account, which its resources' paths begin with."""
        return f"/{API_VERSION}/Accounts/{self.account.sid}"

    @property
    def suffix(self) -> str:
        """What the URIs in the answer end with: an answer in JSON names resources in JSON."""
        return ".json" if self.extension == "json" else ""

    def representable(self) -> None:
        """Refuses an extension that only media have.

        Raises:
            RestError: 20404.
        """
        if self.extension and self.extension not in CONTENT_TYPES:
            raise self.missing()

    def missing(self) -> RestError:
        """The error that says that this resource does not exist."""
        return not_found(self.path)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as an answer. `name` is its XML element."""

    name: str
    body: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list as an answer.

    Attributes:
        collection: the XML element of the list ("Calls").
        key: the list's key in JSON ("calls").
        name: the XML element of one item ("Call").
        meta: page, page_size, start, end and the URIs.
    """

    collection: str
    key: str
    name: str
    items: list[dict[str, Any]]
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gone:
    """The answer to a DELETE: 204, without a body."""


Answer = Resource | Page | Gone | Response
