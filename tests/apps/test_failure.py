"""Which failure an error is, and that what is known of each failure is whole."""

import pytest

from callwright.apps.failure import FACTS, BadAnswer, CircuitOpen, Failure, Health, classify
from callwright.apps.fragment import FAILURES as POLICIES
from callwright.errors import ApplicationError, DocumentError
from callwright.outbound import ConnectError, ReadError

ERRORS: list[tuple[ApplicationError, Failure]] = [
    (ApplicationError("x", code=11100), Failure.URL),
    (ApplicationError("x", code=21205), Failure.UNDERSCORE),
    (ApplicationError("x", code=11240), Failure.EDGE),
    (ApplicationError("x", code=11241), Failure.UNKNOWN_EDGE),
    (ApplicationError("x", code=11242), Failure.INTERCONNECT),
    (ApplicationError("x", code=11243), Failure.POLICY),
    (ApplicationError("x", code=11210), Failure.DENIED),
    (ConnectError("x", code=11210), Failure.UNRESOLVED),
    (ConnectError("x", code=11201), Failure.UNCONNECTED_IN_TIME),
    (ConnectError("x", code=11202), Failure.REFUSED),
    (ConnectError("x", code=11205), Failure.LOST),
    (ConnectError("x", code=11220), Failure.TLS),
    (ApplicationError("x", code=11235), Failure.CERTIFICATE_NAME),
    (ApplicationError("x", code=11236), Failure.CERTIFICATE_EXPIRED),
    (ApplicationError("x", code=11237), Failure.CERTIFICATE_CHAIN),
    (ApplicationError("x", code=11206), Failure.PROTOCOL),
    (ReadError("x", code=11200), Failure.SILENCE),
    (ReadError("x", code=11205), Failure.CUT_OFF),
    (ApplicationError("x", code=11203), Failure.TOTAL_TIME),
    (ApplicationError("x", code=11215), Failure.REDIRECTS),
    (BadAnswer("x", status=404), Failure.CLIENT_ERROR),
    (BadAnswer("x", status=429), Failure.THROTTLED),
    (BadAnswer("x", status=503), Failure.SERVER_ERROR),
    (BadAnswer("x", status=304), Failure.STATUS),
    (ApplicationError("x", code=11750), Failure.TOO_LARGE),
    (DocumentError("x", code=11770), Failure.EMPTY),
    (ApplicationError("x", code=12300), Failure.CONTENT_TYPE),
    (DocumentError("x"), Failure.MALFORMED),
    (DocumentError("x", code=12101), Failure.VERSION),
    (DocumentError("x", code=12102), Failure.ROOT),
    (CircuitOpen("x", code=11203), Failure.CIRCUIT_OPEN),
    (ApplicationError("x", code=12400), Failure.OTHER),
]


@pytest.mark.parametrize(("error", "failure"), ERRORS, ids=[failure.name.lower() for _, failure in ERRORS])
def test_each_error_is_one_failure_and_has_its_code(error: ApplicationError, failure: Failure) -> None:
    assert classify(error) is failure
    assert FACTS[failure].code in (0, error.code)


def test_every_failure_is_known_and_reached() -> None:
    assert set(FACTS) == set(Failure) == {failure for _, failure in ERRORS}


def test_every_word_of_a_retry_policy_means_something() -> None:
    assert {facts.policy for facts in FACTS.values()} == {"", *POLICIES}


def test_only_what_costs_a_caller_a_time_out_counts_against_an_origin() -> None:
    absent = {failure for failure, facts in FACTS.items() if facts.health is Health.ABSENT}
    waits = {Failure.UNRESOLVED, Failure.UNCONNECTED_IN_TIME, Failure.SILENCE, Failure.TOTAL_TIME}
    assert absent == waits
