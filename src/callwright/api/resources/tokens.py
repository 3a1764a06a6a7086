"""Tokens: where browsers find STUN and TURN, and credentials for it (call-control reference §3.9).

The credentials are those of TURN's REST API (draft-uberti-behave-turn-rest-00): a name that tells its end, and its
HMAC-SHA1 under the secret that [turn] shares with the server. Balance stands here too: nothing is charged.
"""

import base64
import hmac
from datetime import timedelta

from callwright import clock
from callwright.api.errors import INVALID_PARAMETER
from callwright.api.representation import date
from callwright.api.request import Answer, ApiRequest, Resource
from callwright.api.routes import OWN, Routes

TTL_S = 86_400


async def create(request: ApiRequest) -> Answer:
    """A token of this many seconds, 86,400 at most."""
    request.representable()
    turn = request.services.config.turn
    ttl = request.form.integer("Ttl", 1, TTL_S, code=INVALID_PARAMETER) or TTL_S
    now = clock.now()
    username = f"{int((now + timedelta(seconds=ttl)).timestamp())}:{request.account.sid}"
    key = turn.secret.get_secret_value().encode()
    password = base64.b64encode(hmac.digest(key, username.encode(), "sha1")).decode() if key else ""
    servers = [{"url": url, "urls": url} for url in turn.stun]
    relays = [{"url": url, "urls": url, "username": username, "credential": password} for url in turn.urls]
    body = {
        "account_sid": request.account.sid,
        "username": username,
        "password": password,
        "ttl": str(ttl),
        "date_created": date(now),
        "date_updated": date(now),
        "ice_servers": [*servers, *relays],
    }
    return Resource("Token", body, 201)


async def balance(request: ApiRequest) -> Answer:
    """What the account has: nobody is charged, so it is nothing."""
    request.representable()
    return Resource("Balance", {"account_sid": request.account.sid, "balance": "0.00", "currency": "USD"})


def install(routes: Routes) -> None:
    """The paths."""
    routes.add("POST", f"{OWN}/Tokens", create)
    routes.add("GET", f"{OWN}/Balance", balance)
