"""Every way in which asking an application fails, and what each means: its code, who may mend it, what to do next.

`FACTS` is the table; whoever decides on a failure (the search for a document, the queue of callbacks, an origin's
breaker) reads it there and nowhere else. Source of the codes: call-control reference §8.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from callwright.errors import ApplicationError
from callwright.outbound import ConnectError, ReadError


class Failure(StrEnum):
    """What went wrong."""

    URL = "the URL is malformed"
    UNDERSCORE = "the host name has an underscore"
    EDGE = "an override names a malformed edge"
    UNKNOWN_EDGE = "an override names an unknown edge"
    INTERCONNECT = "an override names an interconnect"
    POLICY = "an override is out of its range"
    DENIED = "the address may not be connected to, or is none"
    UNRESOLVED = "the name cannot be resolved"
    UNCONNECTED_IN_TIME = "no connection in time"
    REFUSED = "the connection is refused"
    LOST = "the connection is lost before any answer"
    TLS = "the TLS handshake fails"
    CERTIFICATE_NAME = "the certificate has another name"
    CERTIFICATE_EXPIRED = "the certificate is not valid at this time"
    CERTIFICATE_CHAIN = "the certificate leads to no authority"
    PROTOCOL = "the answer is not HTTP"
    SILENCE = "nothing comes for too long"
    CUT_OFF = "the body is cut off"
    TOTAL_TIME = "all of it takes too long"
    REDIRECTS = "too many redirects"
    CLIENT_ERROR = "4xx"
    THROTTLED = "429"
    SERVER_ERROR = "5xx"
    STATUS = "an answer that is no answer"
    TOO_LARGE = "the document is too large"
    EMPTY = "the document is empty"
    CONTENT_TYPE = "the content type cannot be used"
    MALFORMED = "the document is malformed"
    VERSION = "the document has a wrong version"
    ROOT = "the document has a wrong root"
    CIRCUIT_OPEN = "the origin has not answered lately"
    OTHER = "something else"


class Health(StrEnum):
    """What a failure tells of the origin.

    `ABSENT`: whoever asks it waits a time-out in vain. `PRESENT`: it is there, whatever it said; one that refuses at
    once costs a caller nothing and is seen at once when it is back. `UNKNOWN`: it was not asked, or it cannot
    be told: a connection that is lost may be one that waited for its turn among those that hang.
    """

    ABSENT = "absent"
    PRESENT = "present"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a failure means.

    Attributes:
        code: its public code; 0: that of the error itself.
        policy: the word of a URL's `rp` that has it tried again at once; "" when none does (reference §2.6).
        later: whether the same request may succeed some time later.
        health: what it tells of the origin.
    """

    code: int
    policy: str = ""
    later: bool = False
    health: Health = Health.PRESENT


FACTS: Mapping[Failure, Facts] = MappingProxyType(
    {
        Failure.URL: Facts(11100, health=Health.UNKNOWN),
        Failure.UNDERSCORE: Facts(21205, health=Health.UNKNOWN),
        Failure.EDGE: Facts(11240, health=Health.UNKNOWN),
        Failure.UNKNOWN_EDGE: Facts(11241, health=Health.UNKNOWN),
        Failure.INTERCONNECT: Facts(11242, health=Health.UNKNOWN),
        Failure.POLICY: Facts(11243, health=Health.UNKNOWN),
        Failure.DENIED: Facts(11210, health=Health.UNKNOWN),
        Failure.UNRESOLVED: Facts(11210, "ct", later=True, health=Health.ABSENT),
        Failure.UNCONNECTED_IN_TIME: Facts(11201, "ct", later=True, health=Health.ABSENT),
        Failure.REFUSED: Facts(11202, "ct", later=True),
        Failure.LOST: Facts(11205, "ct", later=True, health=Health.UNKNOWN),
        Failure.TLS: Facts(11220, "ct", later=True),
        Failure.CERTIFICATE_NAME: Facts(11235, later=True),
        Failure.CERTIFICATE_EXPIRED: Facts(11236, later=True),
        Failure.CERTIFICATE_CHAIN: Facts(11237, later=True),
        Failure.PROTOCOL: Facts(11206, later=True),
        Failure.SILENCE: Facts(11200, "rt", later=True, health=Health.ABSENT),
        Failure.CUT_OFF: Facts(11205, "rt", later=True),
        Failure.TOTAL_TIME: Facts(11203, later=True, health=Health.ABSENT),
        Failure.REDIRECTS: Facts(11215),
        Failure.CLIENT_ERROR: Facts(11200, "4xx"),
        Failure.THROTTLED: Facts(11200, "4xx", later=True),
        Failure.SERVER_ERROR: Facts(11200, "5xx", later=True),
        Failure.STATUS: Facts(11200),
        Failure.TOO_LARGE: Facts(11750),
        Failure.EMPTY: Facts(11770),
        Failure.CONTENT_TYPE: Facts(12300),
        Failure.MALFORMED: Facts(12100),
        Failure.VERSION: Facts(12101),
        Failure.ROOT: Facts(12102),
        Failure.CIRCUIT_OPEN: Facts(0, later=True, health=Health.UNKNOWN),
        Failure.OTHER: Facts(0, health=Health.UNKNOWN),
    }
)

_UNCONNECTED = {
    11201: Failure.UNCONNECTED_IN_TIME,
    11202: Failure.REFUSED,
    11210: Failure.UNRESOLVED,
    11220: Failure.TLS,
}
_OTHERS = {
    FACTS[failure].code: failure
    for failure in (
        *(Failure.URL, Failure.UNDERSCORE, Failure.EDGE, Failure.UNKNOWN_EDGE, Failure.INTERCONNECT, Failure.POLICY),
        *(Failure.DENIED, Failure.CERTIFICATE_NAME, Failure.CERTIFICATE_EXPIRED, Failure.CERTIFICATE_CHAIN),
        *(Failure.PROTOCOL, Failure.TOTAL_TIME, Failure.REDIRECTS, Failure.TOO_LARGE, Failure.EMPTY),
        *(Failure.CONTENT_TYPE, Failure.MALFORMED, Failure.VERSION, Failure.ROOT),
    )
}


class CircuitOpen(ApplicationError):
    """The origin was not asked: it has not answered lately. The code is that of its last failure."""


class BadAnswer(ApplicationError):
    """An answer other than 2xx.

    Args:
        headers: as they were sent.
        body: as much of it as is kept.
    """

    def __init__(
        self, message: str, *, status: int, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> None:
        super().__init__(message, response_status=status)
        self.headers = headers
        self.body = body


def classify(error: ApplicationError) -> Failure:
    """Which failure an error is."""
    status = error.response_status
    if status:
        if status == 429:
            return Failure.THROTTLED
        return {4: Failure.CLIENT_ERROR, 5: Failure.SERVER_ERROR}.get(status // 100, Failure.STATUS)
    match error:
        case CircuitOpen():
            return Failure.CIRCUIT_OPEN
        case ConnectError():
            return _UNCONNECTED.get(error.code, Failure.LOST)
        case ReadError():
            return Failure.CUT_OFF if error.code == 11205 else Failure.SILENCE
    return _OTHERS.get(error.code, Failure.OTHER)
