"""Applications that are told of a text message, and what they reply."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from callwright.account import Account
from callwright.apps.client import Answer, ApplicationClient, Fetch
from callwright.apps.failure import BadAnswer
from callwright.calls.alerts import Alert
from callwright.calls.application import Hook
from callwright.calls.control import MessagePlan
from callwright.calls.numbers import Numbers
from callwright.errors import ApplicationError
from callwright.store.directory import Directory, Record
from callwright.store.sqlite import Row
from callwright.store.store import Store
from callwright.twiml.correspondence import MOST_REDIRECTS, Correspondence
from tests.calls.fakes import ACCOUNT_SID, OTHER_SID

ACCOUNT = Account(ACCOUNT_SID, "token")
NUMBER, OTHERS, CALLER, SID = "+15550001100", "+15550002200", "+15557654321", "SM" + "1" * 32
FIRST, SECOND, NEXT = (Hook(f"http://app.example/{path}") for path in ("first", "second", "next"))


@dataclass
class Application:
    """Answers by URL, and remembers who was asked what, what was sent, and the alerts.

    Attributes:
        answers: documents, or the failure in place of one.
        refuses: the error code of every message that is sent; 0: they are taken.
    """

    answers: dict[str, str | ApplicationError]
    secondary: bool = True
    refuses: int = 0
    asked: list[Fetch] = field(default_factory=list)
    sent: list[MessagePlan] = field(default_factory=list)
    alerts: list[int] = field(default_factory=list)

    async def fetch(self, fetch: Fetch) -> Answer:
        self.asked.append(fetch)
        answer = self.answers[fetch.hook.url]
        if isinstance(answer, ApplicationError):
            raise answer
        return Answer(fetch.hook.url, 200, "text/xml", answer.encode(), "POST", 0.1)

    def send(self, account: Account, plan: MessagePlan) -> Row:
        assert account is ACCOUNT
        self.sent.append(plan)
        return {"sid": "SM2", "error_code": self.refuses, "error_message": "no gateway"}

    def alert(self, account_sid: str, sid: str, alert: Alert) -> None:
        assert (account_sid, sid) == (ACCOUNT_SID, SID)
        self.alerts.append(alert.code)

    async def told(self, **params: str) -> None:
        """One message is told, from a number to a number unless `params` say otherwise."""
        directory = Directory(cast(Store, None))  # nothing is written
        fields = {"phone_number": NUMBER, "sms_url": FIRST.url}
        fields |= {"sms_fallback_url": SECOND.url} if self.secondary else {}
        others = {"phone_number": OTHERS}
        directory.declare(
            [
                Record.new("PN", "incoming_phone_numbers", ACCOUNT_SID, fields),
                Record.new("PN", "incoming_phone_numbers", OTHER_SID, others),
            ]
        )
        client: Any = self
        told = Correspondence(cast(ApplicationClient, client), Numbers(directory), self.send, self.alert)
        form = {"From": CALLER, "To": NUMBER, "Body": "hello", **params}
        await told.deliver(Fetch(FIRST, form, ACCOUNT, idempotency_token="one"), SID)


def document(verbs: str) -> str:
    return f"<Response>{verbs}</Response>"


async def test_the_replies_are_sent() -> None:
    """To the sender, from whom it was for, unless they say otherwise."""
    own = "<Message to='sip:bob@pbx.example' statusCallback='/next'><Body>Two</Body><Media>/a.png</Media></Message>"
    application = Application({FIRST.url: document(f"<Message>One</Message>{own}")})
    await application.told()
    assert application.sent == [
        MessagePlan(CALLER, NUMBER, "One"),
        MessagePlan("sip:bob@pbx.example", NUMBER, "Two", NEXT, ("http://app.example/a.png",)),
    ]
    assert [fetch.idempotency_token for fetch in application.asked] == ["one"] and not application.alerts


async def test_nothing_is_replied() -> None:
    application = Application({FIRST.url: ""})
    await application.told()
    assert not application.sent and not application.alerts


async def test_a_redirect() -> None:
    """What came before it is sent; the next document is told the same, by another request."""
    first = document(f"<Message>One</Message><Redirect>{NEXT.url}</Redirect>")
    application = Application({FIRST.url: first, NEXT.url: document("<Message>Two</Message>")})
    await application.told()
    assert [plan.body for plan in application.sent] == ["One", "Two"]
    first_asked, second_asked = application.asked
    assert first_asked.params == second_asked.params
    assert first_asked.idempotency_token != second_asked.idempotency_token


async def test_a_redirect_that_fails_is_not_asked_for_again() -> None:
    first = document(f"<Message>One</Message><Redirect>{NEXT.url}</Redirect>")
    application = Application({FIRST.url: first, NEXT.url: ApplicationError("gone", code=11205)})
    await application.told()
    assert (len(application.sent), application.alerts) == (1, [11205])


async def test_redirects_without_end() -> None:
    application = Application({FIRST.url: document("<Redirect/>")})
    await application.told()
    assert (len(application.asked), application.alerts) == (MOST_REDIRECTS + 1, [14106])


@pytest.mark.parametrize(
    ("failure", "code"),
    [(BadAnswer("500", status=500, headers=(), body=b""), 11200), ("<Response>", 12100)],
)
async def test_the_secondary_is_asked_at_once(failure: str | ApplicationError, code: int) -> None:
    application = Application({FIRST.url: failure, SECOND.url: document("<Message>Later</Message>")})
    await application.told()
    assert [plan.body for plan in application.sent] == ["Later"]
    asked = application.asked[1]
    assert (asked.params["ErrorCode"], asked.params["ErrorUrl"]) == (str(code), FIRST.url)
    assert asked.params["Body"] == "hello" and application.alerts == [code]


async def test_nobody_answers() -> None:
    """The queue is told of the first failure, and asks again."""
    failures = ApplicationError("one", code=11205), ApplicationError("two", code=11210)
    application = Application(dict(zip((FIRST.url, SECOND.url), failures, strict=True)))
    with pytest.raises(ApplicationError) as refused:
        await application.told()
    assert refused.value is failures[0] and application.alerts == [11205, 11210]
    alone = Application({FIRST.url: failures[0]}, secondary=False)
    with pytest.raises(ApplicationError):
        await alone.told()
    assert not alone.alerts, "the queue tells of what it will repeat"


async def test_a_document_that_cannot_be_read_is_not_asked_for_again() -> None:
    application = Application({FIRST.url: "<Answer/>"}, secondary=False)
    await application.told()
    assert (application.sent, application.alerts) == ([], [12102])


async def test_a_message_to_a_user_has_no_secondary() -> None:
    application = Application({FIRST.url: ApplicationError("gone", code=11205)})
    with pytest.raises(ApplicationError):
        await application.told(To="sip:bob@pbx.example", From="sip:carol@pbx.example")
    application.answers[FIRST.url] = document("<Message>Hello</Message>")
    await application.told(To="sip:bob@pbx.example", From="sip:carol@pbx.example")
    assert application.sent == [MessagePlan("sip:carol@pbx.example", "sip:bob@pbx.example", "Hello")]


async def test_from_numbers_of_the_account_only() -> None:
    verbs = f"<Message from='{OTHERS}'>x</Message><Message from='{NUMBER}'>y</Message>"
    application = Application({FIRST.url: document(verbs)})
    await application.told()
    assert ([plan.body for plan in application.sent], application.alerts) == (["y"], [14102])


async def test_what_is_wrong_is_told() -> None:
    application = Application({FIRST.url: document("<Say>x</Say><Message>y</Message>")}, refuses=30008)
    await application.told()
    assert application.alerts == [12200, 30008]
