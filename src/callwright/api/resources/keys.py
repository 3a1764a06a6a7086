"""Keys and SigningKeys: credentials of an account beside its token (call-control reference §3.9).

Both are one store under two names, as in the dialect. A secret is shown once, in the answer to its creation. It is kept
as it is, not hashed: it is the HMAC key with which access tokens are signed (HS256), so the server must have it to
verify one. The database is readable by the daemon's user only.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from callwright.api.request import ApiRequest
from callwright.api.resources.applications import BAD_NAME
from callwright.api.stored.declaration import Field, Stored
from callwright.api.stored.values import Text
from callwright.store.directory import Record


def _check(request: ApiRequest, new: Record, old: Record | None) -> Record:
    if old is not None:
        return new
    return replace(new, fields={**new.fields, "secret": secrets.token_urlsafe(24)})


def _show(request: ApiRequest, record: Record) -> Mapping[str, Any]:
    created = request.method == "POST" and record.sid not in request.path
    return {"secret": record["secret"]} if created else {}


def _keys(path: str, key: str, name: str) -> Stored:
    return Stored(
        kind="keys",
        key=key,
        path=path,
        name=name,
        prefix="SK",
        fields=(Field("FriendlyName", Text(64, BAD_NAME), ""),),
        check=_check,
        show=_show,
        notes="the secret is shown once; not for callers with an API key",
    )


STORED = (_keys("Keys", "keys", "Key"), _keys("SigningKeys", "signing_keys", "SigningKey"))
