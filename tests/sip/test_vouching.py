"""Domains that ask, as the file declares them, and the questions that the engine puts."""

from callwright.config import validate
from callwright.sip.vouching import Question, Vouching, declared

ONE = "AC" + "1" * 32
URL = "http://app.example/auth"


def test_declared() -> None:
    """The realm is spelled as [sip] spells it, else in lower case; times are in seconds."""
    config = validate(
        {
            "account": [{"sid": ONE}],
            "sip": {"domain": "Pbx.Example"},
            "domain": [
                {"name": "pbx.EXAMPLE", "account": ONE, "auth_url": URL},
                {"name": "none.example", "account": ONE},
                {
                    "name": "Two.Example",
                    "account": ONE,
                    "auth_url": "/auth",
                    "auth_timeout_ms": 500,
                    "auth_cache_s": 60,
                    "auth_refused_s": 5,
                    "auth_grace_s": 0,
                    "auth_requests": 3,
                },
            ],
        }
    )
    assert declared(config) == [
        Vouching("pbx.example", "Pbx.Example", ONE, 300, 30, 3600, 2.0, 20),
        Vouching("two.example", "two.example", ONE, 60, 5, 0, 0.5, 3),
    ]
    assert "http://app.example:80" in config.trusted_origins()


def test_a_question() -> None:
    detail = {
        "user": "alice",
        "realm": "pbx.example",
        "source_host": "192.0.2.7",
        "source_port": 5062,
        "transport": "UDP",
        "call_id": "a@b",
        "user_agent": "Phone 1",
    }
    asked = Question.of(7, "INVITE", detail)
    assert (asked.id, asked.method, asked.user, asked.user_agent) == (7, "INVITE", "alice", "Phone 1")
