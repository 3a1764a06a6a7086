"""What a stored resource is: its fields, its place, what lists filter by, and what may be done with it.

A declaration is all that a resource needs; `operations.py` answers its requests, `openapi.py` and the README's table
describe it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callwright.api.request import ApiRequest
from callwright.api.stored.values import Value
from callwright.store.directory import Record

CREATE, UPDATE = "create", "update"
ALL = frozenset({"list", CREATE, "fetch", UPDATE, "delete"})
READ = frozenset({"list", "fetch"})

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """VoiceUrl -> voice_url."""
    return _HUMP.sub("_", name).lower()


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, and the field that shows it.

    Attributes:
        name: of the parameter; the field's is its snake form.
        value: how it is read; None for a field that no parameter sets.
        default: of a resource that was created without it.
        required: at the creation; `missing` is the code of its absence.
        on: which operations take it.
        shown: whether answers have it.
    """

    name: str
    value: Value | None = None
    default: Any = None
    required: bool = False
    missing: int = 20001
    on: frozenset[str] = frozenset({CREATE, UPDATE})
    shown: bool = True

    @property
    def key(self) -> str:
        """The field's name."""
        return snake(self.name)


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter of a list.

    Attributes:
        how: "equal", "pattern" (stands anywhere, `*` for any one character), "flag" or "date" (the sign is part of the
            parameter's name).
    """

    name: str
    how: str = "equal"
    key: str = ""

    @property
    def field(self) -> str:
        """The field that is compared."""
        return self.key or snake(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, with signs."""
        return tuple(self.name + sign for sign in ("", "<", ">")) if self.how == "date" else (self.name,)


Check = Callable[[ApiRequest, Record, Record | None], Record]
"""Looks at a record before it is put: (request, as it would be, as it was or None); returns what is put. May raise
RestError. Nothing comes between it and the change."""

Shown = Callable[[ApiRequest, Record], Mapping[str, Any]]
Parts = Callable[[ApiRequest, Record], Iterable[Record]]


def _nothing(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    return {}


def _alone(request: ApiRequest, record: Record) -> Iterable[Record]:
    return ()


def _as_it_is(request: ApiRequest, record: Record, old: Record | None) -> Record:
    return record


@dataclass(frozen=True, slots=True)
class Stored:
    """A kind of stored resource.

    Attributes:
        kind: of its records in the directory; also the list's key unless `key` is given.
        path: of its list: below the account ("Applications"), or absolute for a product API ("/v1/ByocTrunks"). The
            named segment of an instance is added: `{name}_sid`.
        name: of one, as XML has it ("Application").
        prefix: of its SIDs.
        parent: what it is a part of; its SID is the last named segment of `path`.
        subresources: below each instance: the key in subresource_uris or links, and the path.
        api_version: whether answers tell it.
        addressed: the field that stands in the path and is shown as the SID; "sid" for the record's own.
        parent_field: the field that shows the parent's SID; "" for none.
        root: its path is not below an account.
        only: values of fields that its resources have, when others of the same kind stand under another path.
        check, show, parts: what the declaration cannot say: a last look before a change, computed fields, records that
            are deleted with it (which may raise to refuse the deletion).
        created: the HTTP status of the creation.
        notes, maturity: for the README's table.
    """

    kind: str
    path: str
    name: str
    prefix: str
    fields: tuple[Field, ...]
    operations: frozenset[str] = ALL
    key: str = ""
    parent: "Stored | None" = None
    filters: tuple[Filter, ...] = ()
    subresources: Mapping[str, str] = field(default_factory=dict)
    api_version: bool = False
    addressed: str = "sid"
    parent_field: str = ""
    root: bool = False
    only: Mapping[str, Any] = field(default_factory=dict)
    check: Check = _as_it_is
    show: Shown = _nothing
    parts: Parts = _alone
    created: int = 201
    notes: str = ""
    maturity: str = "stable"

    @property
    def product(self) -> bool:
        """Whether it is of a product API: JSON only, pages in a `meta` envelope, ISO dates."""
        return self.path.startswith("/")

    @property
    def list_key(self) -> str:
        """The list's key in JSON."""
        return self.key or self.kind

    @property
    def collection(self) -> str:
        """The list's XML element: the last segment of its path."""
        return self.path.rpartition("/")[2]

    @property
    def segment(self) -> str:
        """The name of the path's segment that addresses one."""
        return f"{snake(self.name)}_sid"
