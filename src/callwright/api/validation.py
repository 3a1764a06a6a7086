"""Validation of caller IDs: a call to the number asks for a code that only who asked for the call knows.

A number whose owner has typed the code is one from which the account may call (call-control reference §3.8). What is
asked and answered is an application server of the daemon's own, behind signed webhooks like any other.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callwright.account import Account
from callwright.api.signed import signed_form
from callwright.calls.application import Application, Hook
from callwright.calls.exchange import Callbacks
from callwright.calls.order import CallOrder
from callwright.errors import RestError
from callwright.store.directory import Directory, Record

KIND = "outgoing_caller_ids"
PATH = "/caller-ids"
ATTEMPTS = 3
DIGITS = 6

ASK = """<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Gather numDigits="{digits}" timeout="10" action={action} actionOnEmptyResult="true">
    <Say>{text}</Say>
  </Gather>
</Response>"""
SAY = """<?xml version="1.0" encoding="UTF-8"?>
<Response><Say>{text}</Say><Hangup/></Response>"""
FIRST = "Please enter your validation code."
AGAIN = "That was not the code. Please try again."
GOOD = "Thank you. Your number is validated."
BAD = "That was not the code. Goodbye."


@dataclass(slots=True)
class Validation:
    """One that has begun.

    Attributes:
        code: what must be typed.
        hook: who is told how it ended; None for nobody.
        left: how often it may still be tried.
    """

    account: Account
    number: str
    friendly_name: str
    code: str = field(repr=False)
    hook: Hook | None
    left: int = ATTEMPTS
    sid: str = ""


class Validations:
    """The validations under way, by CallSid. They end with their calls.

    Args:
        place: places a call, as the switchboard does.
        public_url: of the daemon, without a trailing slash.
    """

    def __init__(
        self,
        directory: Directory,
        accounts: Mapping[str, Account],
        callbacks: Callbacks,
        place: Callable[[CallOrder], Awaitable[str]],
        public_url: str,
    ) -> None:
        self._directory, self._accounts, self._callbacks = directory, accounts, callbacks
        self._place, self._public_url = place, public_url
        self._under_way: dict[str, Validation] = {}

    async def begin(
        self, account: Account, number: str, friendly_name: str, hook: Hook | None, *, delay: float, extension: str
    ) -> tuple[str, str]:
        """Calls a number to validate it.

        Args:
            delay: seconds before the call.
            extension: keys that are sent once the call is answered.

        Returns:
            The CallSid and the code.

        Raises:
            RestError: the call cannot be placed.
        """
        code = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
        own = self._directory.of("incoming_phone_numbers", account.sid)
        order = CallOrder(
            account=account,
            to=number,
            from_=own[0]["phone_number"] if own else number,
            application=Application(voice=self._hook("ask"), status_callback=self._hook("over")),
            send_digits=extension,
            delay=delay,
        )
        sid = await self._place(order)
        self._under_way[sid] = Validation(account, number, friendly_name, code, hook)
        return sid, code

    def routes(self) -> list[Route]:
        """What the call asks: `/caller-ids/ask`, `/caller-ids/code` and, when it has ended, `/caller-ids/over`."""
        answers = (("ask", self._ask), ("code", self._code), ("over", self._over))
        return [Route(f"{PATH}/{name}", self._signed(answer), methods=["POST"]) for name, answer in answers]

    def _hook(self, name: str) -> Hook:
        return Hook(f"{self._public_url}{PATH}/{name}")

    def _signed(
        self, answer: Callable[[Validation, dict[str, str]], Awaitable[str]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                form = await signed_form(request, self._accounts, self._public_url)
            except RestError as refused:
                return Response(refused.message, refused.status, media_type="text/plain")
            validation = self._under_way.get(form.get("CallSid", ""))
            if validation is None or validation.account.sid != form["AccountSid"]:
                return Response("no such validation", 404, media_type="text/plain")
            return Response(await answer(validation, form), media_type="text/xml")

        return handle

    async def _ask(self, validation: Validation, form: dict[str, str]) -> str:
        return self._question(FIRST)

    async def _code(self, validation: Validation, form: dict[str, str]) -> str:
        if validation.sid:
            return SAY.format(text=GOOD)
        if not secrets.compare_digest(form.get("Digits", "").encode(), validation.code.encode()):
            validation.left -= 1
            return self._question(AGAIN) if validation.left > 0 else SAY.format(text=BAD)
        if validation.left > 0:
            fields = {"phone_number": validation.number, "friendly_name": validation.friendly_name}
            made = Record.new("PN", KIND, validation.account.sid, fields)
            await self._directory.change(made)
            validation.sid = made.sid
        return SAY.format(text=GOOD if validation.sid else BAD)

    async def _over(self, validation: Validation, form: dict[str, str]) -> str:
        del self._under_way[form["CallSid"]]
        if validation.hook is not None:
            params = {**form, "VerificationStatus": "success" if validation.sid else "failed"}
            if validation.sid:
                params["OutgoingCallerIdSid"] = validation.sid
            self._callbacks.post(
                account=validation.account,
                call_sid=form["CallSid"],
                hook=validation.hook,
                params=params,
                kind="validation",
            )
        return "<Response/>"

    def _question(self, text: str) -> str:
        return ASK.format(digits=DIGITS, action=quoteattr(f"{PATH}/code"), text=text)
