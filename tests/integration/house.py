"""`House`: a daemon whose users register phones, and the application server that runs their calls (/user).

house = await houses("alice", "bob")
alice = await house.registered("alice")              # a phone, registered by digest
call = await alice.invite(house.aor("600"))          # POST /user
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.harness import Phone
from tests.harness.digest import Credentials
from tests.harness.message import Response

from .site import Site

Phones = Callable[..., Awaitable[Phone]]
PASSWORD = "open-sesame"


def people(*names: str) -> list[dict[str, str]]:
    """[[user]] tables."""
    return [{"name": name, "password": PASSWORD} for name in names]


class House:
    """A site with users, and their phones."""

    def __init__(self, site: Site, phones: Phones) -> None:
        self.site, self._phones = site, phones

    def registrar(self, transport: str = "udp") -> str:
        """Where phones register."""
        daemon = self.site.daemon
        return f"sip:{daemon.host}:{daemon.sip_port}" + (";transport=tcp" if transport == "tcp" else "")

    def aor(self, user: str, transport: str = "udp") -> str:
        """An address of the domain, as a phone dials it."""
        return self.site.daemon.sip_uri(user, transport)

    async def phone(self, user: str, *, algorithms: tuple[str, ...] = ("SHA-256", "MD5"), **options: Any) -> Phone:
        """A phone of a user, not registered."""
        return await self._phones(user, credentials=Credentials(user, PASSWORD, algorithms), **options)

    async def stranger(self) -> Phone:
        """A phone of nobody's."""
        return await self._phones("stranger")

    async def registered(self, user: str, **options: Any) -> Phone:
        """A phone of a user, registered."""
        phone = await self.phone(user, **options)
        assert (await self.register(phone)).status == 200
        return phone

    async def register(self, phone: Phone, **options: Any) -> Response:
        """The answer to a phone's REGISTER."""
        return await phone.register(self.registrar(phone.transport.lower()), **options)

    async def bind(self, phone: Phone, *contacts: str, expires: int = 300) -> Response:
        """The answer to a REGISTER with these Contacts in place of the phone's own."""
        aor = f"sip:{phone.user}@{self.site.daemon.host}"
        lines = [*(("Contact", contact) for contact in contacts), ("Expires", str(expires))]
        registrar = self.registrar(phone.transport.lower())
        return await phone.request("REGISTER", registrar, headers=lines, from_uri=aor, to_uri=aor)

    async def calls(self, user: str, **parameters: Any) -> str:
        """The SID of a REST call to a user."""
        placed = await self.site.create(to=f"sip:{user}@{self.site.daemon.host}", **parameters)
        return str(placed.sid)
