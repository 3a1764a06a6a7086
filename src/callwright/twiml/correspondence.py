"""Telling an application of a text message, and sending what it replies.

The request is of the durable queue of callbacks: what fails is asked again by its rules. An application that cannot
answer, or whose document cannot be read, has its secondary URI asked at once, told ErrorCode and ErrorUrl
(call-control reference §2.6). The replies of one document are sent once; they are sent again only when a crash came
between them and the end of the delivery.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from callwright.account import Account
from callwright.apps.client import Answer, ApplicationClient, Fetch
from callwright.apps.failure import BadAnswer
from callwright.calls.alerts import Alert, Exchanged, Level
from callwright.calls.control import MessagePlan
from callwright.calls.numbers import Numbers
from callwright.errors import ApplicationError, DocumentError
from callwright.outbound import without_credentials
from callwright.store.sqlite import Row
from callwright.twiml.address import with_userinfo
from callwright.twiml.replies import Replies, Reply, parse
from callwright.twiml.session import TOO_MANY_DOCUMENTS
from callwright.twiml.verbs.message import BAD_FROM

MOST_REDIRECTS = 10


class Correspondence:
    """Delivers the requests that tell of messages.

    Args:
        send: queues a reply, and returns its row.
        alert: raises an alert, given AccountSid and MessageSid.
    """

    def __init__(
        self,
        client: ApplicationClient,
        numbers: Numbers,
        send: Callable[[Account, MessagePlan], Row],
        alert: Callable[[str, str, Alert], None],
    ) -> None:
        self._client, self._numbers, self._send, self._alert = client, numbers, send, alert

    async def deliver(self, fetch: Fetch, sid: str) -> None:
        """Tells of one message, and sends the replies.

        Args:
            fetch: the request.
            sid: the message's.

        Raises:
            ApplicationError: nobody has answered; it may be asked again.
        """
        try:
            replies = await self._first(fetch, sid)
            for _ in range(MOST_REDIRECTS):
                if replies.redirect is None:
                    return
                fetch = replace(fetch, hook=replies.redirect, idempotency_token=str(uuid4()))
                replies = await self._following(fetch, sid)
        except DocumentError:
            return  # it has been told, and would be no better document if it were asked for again
        if replies.redirect is not None:
            message = f"more than {MOST_REDIRECTS} documents"
            self._alert(fetch.account.sid, sid, Alert(Level.WARNING, TOO_MANY_DOCUMENTS, message, _exchanged(fetch)))

    async def _first(self, fetch: Fetch, sid: str) -> Replies:
        """The application's document, else that of its secondary URI.

        Raises:
            ApplicationError: of the application itself, when neither can be had.
        """
        try:
            return await self._replied(fetch, sid)
        except ApplicationError as error:
            secondary = self._secondary(fetch, error)
            if secondary is not None or isinstance(error, DocumentError):
                self._failed(fetch, sid, error)
            if secondary is None:
                raise
            first = error
        try:
            return await self._replied(secondary, sid)
        except ApplicationError as error:
            self._failed(secondary, sid, error)
            raise first from None

    def _secondary(self, fetch: Fetch, error: ApplicationError) -> Fetch | None:
        number = self._numbers.find(fetch.params.get("To", ""))
        if number is None or number.message_fallback is None or number.account_sid != fetch.account.sid:
            return None
        told = {"ErrorCode": str(error.code), "ErrorUrl": without_credentials(fetch.hook.url)}
        token = str(uuid4())
        return replace(fetch, hook=number.message_fallback, params={**fetch.params, **told}, idempotency_token=token)

    async def _following(self, fetch: Fetch, sid: str) -> Replies:
        """A document that another one leads to. Its failure is the end: what came before it has been sent."""
        try:
            return await self._replied(fetch, sid)
        except ApplicationError as error:
            self._failed(fetch, sid, error)
            return Replies()

    async def _replied(self, fetch: Fetch, sid: str) -> Replies:
        """Asks, and sends what is replied."""
        answer = await self._client.fetch(fetch)
        replies = parse(answer.body, answer.content_type, with_userinfo(answer.url, fetch.hook.url))
        exchanged = _exchanged(fetch, answer)
        for warning in replies.warnings:
            message = f"{warning.message} (line {warning.line})"
            self._alert(fetch.account.sid, sid, Alert(Level.WARNING, warning.code, message, exchanged))
        for reply in replies.messages:
            self._reply(fetch, sid, reply, exchanged)
        return replies

    def _reply(self, fetch: Fetch, sid: str, reply: Reply, exchanged: Exchanged) -> None:
        account, from_ = fetch.account, reply.from_ or fetch.params["To"]
        if from_.startswith("+") and not self._numbers.owns(account.sid, from_):
            message = f"<Message>: {from_} is no number of the account: it is not sent"
            self._alert(account.sid, sid, Alert(Level.WARNING, BAD_FROM, message, exchanged))
            return
        to = reply.to or fetch.params["From"]
        row = self._send(account, MessagePlan(to, from_, reply.body, reply.callback, reply.media))
        if row["error_code"]:
            message = f"<Message>: {row['sid']}: {row['error_message']}"
            self._alert(account.sid, sid, Alert(Level.WARNING, row["error_code"], message, exchanged))

    def _failed(self, fetch: Fetch, sid: str, error: ApplicationError) -> None:
        exchanged = _exchanged(fetch)
        if isinstance(error, BadAnswer):
            exchanged = replace(exchanged, response_headers=error.headers, response_body=error.body)
        self._alert(fetch.account.sid, sid, Alert(Level.ERROR, error.code, error.message, exchanged))


def _exchanged(fetch: Fetch, answer: Answer | None = None) -> Exchanged:
    return Exchanged(
        url=without_credentials(fetch.hook.url),
        method=fetch.hook.method,
        variables=fetch.params,
        response_headers=answer.headers if answer else (),
        response_body=answer.body if answer else b"",
    )
