"""What the bench starts the daemon with: the daemon's own reader takes it, and every number has work to do."""

import tomllib

import pytest

from bench import growth
from bench.plan import JOBS, OURS, WORK
from bench.servers import CONFIG, PHONE_PASSWORD, users
from callwright.config import Config
from callwright.twiml.document import parse

FILLED = CONFIG.format(
    data="data",
    http=8080,
    host="127.0.0.1",
    sip=5060,
    rtp_low=16000,
    rtp_high=16999,
    clock_rate=16000,
    log_level="INFO",
    account="AC00000000000000000000000000000001",
    token="0123456789abcdef0123456789abcdef",
    caller="127.0.0.1",
    called=5070,
    application="http://127.0.0.1:9090",
    allow='["127.0.0.0/8"]',
)
NUMBERS = {number.number: number for number in Config.model_validate(tomllib.loads(FILLED)).number}


def test_every_extension_that_a_row_calls_is_a_number() -> None:
    called = {work[OURS].extension for work in WORK.values()} | {JOBS[OURS], growth.EXTENSION}
    assert called == set(NUMBERS)


@pytest.mark.parametrize("twiml", [number.twiml for number in NUMBERS.values() if number.twiml])
def test_a_number_s_document_is_run_as_it_is_written(twiml: str) -> None:
    document = parse(twiml.encode(), "text/xml", "")
    assert document.verbs
    assert document.warnings == ()


def test_its_phones_are_users() -> None:
    config = Config.model_validate(tomllib.loads(FILLED + "".join(users(3))))
    assert [user.name for user in config.user] == ["u0", "u1", "u2"]
    assert {user.password.get_secret_value() for user in config.user} == {PHONE_PASSWORD}
