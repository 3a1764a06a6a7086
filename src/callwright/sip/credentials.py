"""What a user proves to be one, kept as the digests that the engine compares with (RFC 7616 §3.4.2, RFC 8760)."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """One user of a realm. Whoever knows H(A1) can authenticate as him: it is as secret as the password."""

    username: str
    realm: str
    ha1_md5: str = field(repr=False)
    ha1_sha256: str = field(repr=False)

    @classmethod
    def of(cls, username: str, realm: str, password: str) -> "Credential":
        """The digests of a password."""
        secret = f"{username}:{realm}:{password}".encode()
        md5 = hashlib.md5(secret, usedforsecurity=False).hexdigest()
        return cls(username, realm, md5, hashlib.sha256(secret).hexdigest())

    def as_tuple(self) -> tuple[str, str, str, str]:
        """As `Engine.credentials` takes it."""
        return self.username, self.realm, self.ha1_md5, self.ha1_sha256
