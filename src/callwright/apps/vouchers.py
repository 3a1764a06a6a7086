"""Asks the application of a domain who one of its users is (`auth_url` of [[domain]]).

The request is signed like every webhook, with the form

    AccountSid ApiVersion SipUsername SipDomain SipDomainSid SipRealm SipMethod SipSourceIp SipSourcePort SipTransport
    SipCallId SipUserAgent

The answer is one JSON object: `password`, or its digests `ha1_md5` and `ha1_sha256` (H(A1) of RFC 7616 with SipRealm,
of the algorithms of `sip.digest`), and, when he has them, `caller_id`, `codecs`, `max_contacts` and `voice_url`, as a
[[user]] has. Nothing, `{}`, `null`, 403, 404 and 410 mean that there is no such user; anything else says nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from callwright import ids
from callwright.account import Account
from callwright.apps.client import ApplicationClient, Fetch
from callwright.apps.failure import BadAnswer
from callwright.calls.application import Hook
from callwright.config import Config
from callwright.domains import DomainSection, UserSection
from callwright.errors import ApplicationError
from callwright.sip.users import User, declared
from callwright.sip.vouching import Question

REFUSALS = frozenset({403, 404, 410})
DIGESTS = ("ha1_md5", "ha1_sha256")
SAID = frozenset({"password", *DIGESTS, "caller_id", "codecs", "max_contacts", "voice_url"})
UNUSABLE, SUSPENDED = 12100, 20005


class Vouchers:
    """Asks them.

    Args:
        accounts: whose tokens sign the requests.
    """

    def __init__(self, config: Config, client: ApplicationClient, accounts: Mapping[str, Account]) -> None:
        self._config, self._client, self._accounts = config, client, accounts
        self._sections = {section.name.lower(): section for section in config.domain if section.auth_url}

    async def ask(self, question: Question) -> User | None:
        """Who a request is from; None when he is no user.

        Raises:
            ApplicationError: the application has not said.
        """
        section = self._sections[question.realm.lower()]
        account = self._accounts.get(section.account)
        if account is None or not account.active:
            raise ApplicationError(f"account {section.account} is not active", code=SUSPENDED)
        fetch = Fetch(self._hook(section), _form(question, section), account)
        try:
            answer = await self._client.fetch(fetch)
        except BadAnswer as error:
            if error.response_status in REFUSALS:
                return None
            raise
        said = _object(answer.body)
        return self._user(question.user, section, said) if said else None

    def _hook(self, section: DomainSection) -> Hook:
        """The time of one request is this domain's own, and a breaker must learn when it has passed."""
        url, limit = self._config.absolute(section.auth_url).partition("#")[0], section.auth_timeout_ms
        return Hook(f"{url}#ct={limit}&rt={limit}&tt={limit}")

    def _user(self, name: str, section: DomainSection, said: Mapping[str, Any]) -> User:
        """The password is digested here and goes no further."""
        known = {key: value for key, value in said.items() if key in SAID and value is not None}
        known |= {key: known[key].lower() for key in DIGESTS if isinstance(known.get(key), str)}
        try:
            user = UserSection(name=name, domain=section.name, account=section.account, **known)
        except ValidationError as error:
            entries = error.errors(include_url=False, include_input=False, include_context=False)
            faults = [f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in entries]
        else:
            faults = list(user.secret_faults(self._config.sip.digest))
            if user.voice_url.startswith("/"):
                faults.append("voice_url: must be an http:// or https:// URL")
            if not faults:
                return replace(declared(user, self._config, section), voice_url=user.voice_url)
        raise ApplicationError(f"what is said of {name} cannot be used: {'; '.join(faults)}", code=UNUSABLE)


def _form(question: Question, section: DomainSection) -> dict[str, str]:
    domain = section.name.lower()
    return {
        "AccountSid": section.account,
        "ApiVersion": "2010-04-01",
        "SipUsername": question.user,
        "SipDomain": domain,
        "SipDomainSid": ids.derived(ids.SIP_DOMAIN, section.account, domain),
        "SipRealm": question.realm,
        "SipMethod": question.method,
        "SipSourceIp": question.source_host,
        "SipSourcePort": str(question.source_port),
        "SipTransport": question.transport,
        "SipCallId": question.call_id,
        "SipUserAgent": question.user_agent,
    }


def _object(body: bytes) -> dict[str, Any]:
    """What an answer says; nothing when it is empty."""
    if not body.strip():
        return {}
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise ApplicationError("the answer is not JSON", code=UNUSABLE) from None
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise ApplicationError("the answer is no JSON object", code=UNUSABLE)
    return said
