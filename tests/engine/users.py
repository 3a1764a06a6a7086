"""Users of the engine's gate, and requests that authenticate as them, rightly and wrongly.

alice = guard(station, "alice")                               # a user; the gate asks strangers from now on
answer = await asked(phone, station, "REGISTER")              # 401
tried = await tried(phone, station, "REGISTER", alice.answer(answer, "REGISTER", station.uri()))
"""

import statistics
import time
from dataclasses import dataclass

from callwright.engine import Event, EventKind
from callwright.sip.credentials import Credential
from tests.engine.station import Station
from tests.harness.digest import Credentials, parameters
from tests.harness.message import Response
from tests.harness.sip import Phone

REALM = "example.org"
PASSWORD = "open sesame"


@dataclass(frozen=True, slots=True)
class Account:
    """A user's name and password, and how a phone of the tests answers for him."""

    username: str = "alice"
    password: str = PASSWORD
    realm: str = REALM

    def credential(self) -> tuple[str, str, str, str]:
        """As the engine is told."""
        return Credential.of(self.username, self.realm, self.password).as_tuple()

    def phone(self, *algorithms: str) -> Credentials:
        """For a phone that answers by itself."""
        return Credentials(self.username, self.password, algorithms or ("SHA-256", "MD5"))

    def answer(
        self,
        challenged: Response,
        method: str,
        uri: str,
        *,
        algorithm: str = "SHA-256",
        count: int = 1,
        cnonce: str = "",
    ) -> str:
        """The Authorization that answers a 401."""
        credentials = self.phone(algorithm)
        chosen = credentials.choose(challenged.headers.lines("WWW-Authenticate"))
        assert chosen is not None, f"{algorithm} is not offered: {challenged.headers}"
        return credentials.answer(chosen, method, uri, count=count, cnonce=cnonce)


def guard(station: Station, *accounts: Account, **policy: object) -> None:
    """Only these users from now on; no source is a trunk's. Options are those of `Engine.authenticate`."""
    station.engine.admit([])
    station.engine.credentials([account.credential() for account in accounts])
    station.engine.authenticate(**({"realm": REALM} | policy))  # type: ignore[arg-type]  # options of the caller's


async def tried(phone: Phone, station: Station, method: str, authorization: str = "", uri: str = "") -> Response:
    """The answer to one request outside a dialog; what reaches Python is answered 200."""
    headers = [("Authorization", authorization)] if authorization else []
    wanted = uri or station.uri(transport=phone.transport.lower())
    return await phone.request(method, wanted, headers=[("Contact", phone.contact), *headers])


async def times_of_refusals(phone: Phone, station: Station, tries: int) -> tuple[float, float]:
    """Medians, in seconds, of REGISTERs with a wrong password, in turns: alice's, and mallory's, who is nobody."""
    uri = station.uri(transport=phone.transport.lower())
    asked = await tried(phone, station, "REGISTER")
    taken: dict[str, list[float]] = {"alice": [], "mallory": []}
    for count in range(1, tries + 1):
        name = ("alice", "mallory")[count % 2]
        proof = Account(name, "wrong").answer(asked, "REGISTER", uri, count=count)
        began = time.perf_counter()
        assert (await tried(phone, station, "REGISTER", proof)).status == 401
        taken[name].append(time.perf_counter() - began)
    return statistics.median(taken["alice"]), statistics.median(taken["mallory"])


def serve(station: Station) -> None:
    """Every REQUEST is answered 200 from now on."""

    def answer(event: Event) -> None:
        if event.kind is EventKind.REQUEST:
            station.engine.respond(event.id, 200)

    station.listeners.append(answer)


def challenges(response: Response) -> list[dict[str, str]]:
    """The parameters of each challenge of a 401, in order."""
    assert response.status == 401, response
    return [parameters(value) for value in response.headers.lines("WWW-Authenticate")]


def is_stale(response: Response) -> bool:
    """Whether a 401 says that the nonce was not good any more, in each challenge or in none."""
    said = {challenge.get("stale", "") for challenge in challenges(response)}
    assert said in ({"true"}, {""}), said
    return said == {"true"}


def users(station: Station) -> list[str]:
    """Whom each request that has reached Python was from, in order."""
    kinds = (EventKind.REQUEST, EventKind.INCOMING)
    return [event.detail["user"] for event in station.events if event.kind in kinds]


def occasions(station: Station) -> list[str]:
    """The kinds of all SECURITY events about requests, in order: stray RTP of an earlier call is another matter."""
    kinds = [event.detail["kind"] for event in station.events if event.kind is EventKind.SECURITY]
    return [kind for kind in kinds if kind != "rtp-source"]


def has_reached_python(station: Station) -> bool:
    """Whether any request has."""
    return users(station) != []
