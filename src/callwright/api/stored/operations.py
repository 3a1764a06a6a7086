"""The operations on stored resources: list, create, fetch, update and delete, as a declaration asks for them."""

from collections.abc import Mapping
from typing import Any

from callwright.api.request import Answer, ApiRequest, Gone, Resource
from callwright.api.routes import Routes
from callwright.api.stored.declaration import CREATE, UPDATE, Field, Stored, snake
from callwright.api.stored.pages import page
from callwright.api.stored.presentation import present, route
from callwright.api.stored.values import Value
from callwright.errors import RestError
from callwright.store.directory import Record

DECLARED = 20010


class Operations:
    """Answers the requests to one kind of stored resource."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored

    def install(self, routes: Routes) -> None:
        """The paths."""
        path = route(self.stored)
        one = f"{path}/{{{self.stored.segment}}}"
        places = {
            "list": ("GET", path, self.listing),
            CREATE: ("POST", path, self.create),
            "fetch": ("GET", one, self.fetch),
            UPDATE: ("POST", one, self.update),
            "delete": ("DELETE", one, self.remove),
        }
        for operation, (method, where, handler) in places.items():
            if operation in self.stored.operations:
                routes.add(method, where, handler)

    async def listing(self, request: ApiRequest, **names: str) -> Answer:
        """The account's resources of this kind, newest first."""
        request.representable()
        parent = self.parent(request, names)
        only = self.stored.only.items()
        records = request.services.directory.of(self.stored.kind, request.account.sid, parent or None)
        fitting = (one for one in records if all(one[name] == value for name, value in only))
        return await page(self.stored, request, fitting if only else records, parent)

    async def create(self, request: ApiRequest, **names: str) -> Answer:
        """A new one."""
        request.representable()
        stored = self.stored
        parent = self.parent(request, names)
        fields = {field.key: self._given(field, request, CREATE) for field in stored.fields if field.value}
        fields.update(stored.only)
        made = Record.new(stored.prefix, stored.kind, request.account.sid, fields, parent_sid=parent)
        made = stored.check(request, made, None)
        await request.services.directory.change(made)
        return Resource(stored.name, present(stored, request, made), stored.created)

    async def fetch(self, request: ApiRequest, **names: str) -> Answer:
        """One of them."""
        request.representable()
        return Resource(self.stored.name, present(self.stored, request, self.find(request, names)))

    async def update(self, request: ApiRequest, **names: str) -> Answer:
        """Changes what the request names; everything else stays."""
        request.representable()
        stored = self.stored
        old = changeable(self.find(request, names))
        changes = {
            field.key: self._given(field, request, UPDATE)
            for field in stored.fields
            if field.value and UPDATE in field.on and field.name in request.form
        }
        new = stored.check(request, old.changed(**changes), old)
        await request.services.directory.change(new)
        return Resource(stored.name, present(stored, request, new))

    async def remove(self, request: ApiRequest, **names: str) -> Answer:
        """Deletes one, with its parts."""
        record = changeable(self.find(request, names))
        parts = tuple(self.stored.parts(request, record))
        await request.services.directory.change(delete=(*parts, record))
        return Gone()

    def find(self, request: ApiRequest, names: Mapping[str, str]) -> Record:
        """The record that a path names, of this account and this parent.

        Raises:
            RestError: 20404.
        """
        stored, directory = self.stored, request.services.directory
        parent, sid = self.parent(request, names), names[stored.segment]
        if stored.addressed == "sid":
            found = directory.get(stored.kind, sid)
        else:
            fitting = directory.matching(stored.kind, stored.addressed, sid)
            found = next((one for one in fitting if one.parent_sid == parent), None)
        if found is None or found.account_sid != request.account.sid or found.parent_sid != parent:
            raise request.missing()
        return found

    def parent(self, request: ApiRequest, names: Mapping[str, str]) -> str:
        """The SID of what the path's resources are a part of; "" for nothing.

        Raises:
            RestError: 20404, there is none.
        """
        above = self.stored.parent
        return Operations(above).find(request, names).sid if above else ""

    def _given(self, field: Field, request: ApiRequest, operation: str) -> Any:
        """What a parameter says; one that is empty or missing means the default."""
        text = request.form.text(field.name)
        if field.value is None or operation not in field.on or not text:
            if field.required and operation in field.on:
                raise RestError(f"{field.name} is required", code=field.missing)
            return field.default
        return field.value.read(text, field.name, request)


def given(request: ApiRequest, values: Mapping[str, Value]) -> dict[str, Any]:
    """The parameters of a form that are there, by the names of their fields.

    Raises:
        RestError: one cannot be read.
    """
    form = request.form
    return {snake(name): value.read(form.text(name), name, request) for name, value in values.items() if name in form}


def changeable(record: Record) -> Record:
    """A record that the API may change.

    Raises:
        RestError: 20010, it stands in the configuration file.
    """
    if record.declared:
        why = "is declared in the server's configuration file: it can only be changed there"
        raise RestError(f"{record.sid} {why}", code=DECLARED, status=403)
    return record
