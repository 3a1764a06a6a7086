"""Addresses in documents: relative references, and what counts as a URL that can be requested."""

from urllib.parse import urljoin, urlsplit, urlunsplit

SCHEMES = ("http", "https")


def resolve(base: str, reference: str) -> str:
    """The absolute form of a reference in a document (RFC 3986 §5.2, call-control reference §1.1).

    Args:
        base: the URL that the document was fetched from, after redirects; "" for a document without one.
        reference: what the document says; "" is the document itself.

    Raises:
        ValueError: the reference cannot be read at all, or is relative and there is no base.
    """
    if urlsplit(reference).scheme:
        return reference
    if not base:
        raise ValueError("a relative URL in a document without a URL of its own")
    return urljoin(base, reference) if reference else base


def relative(reference: str) -> bool:
    """Whether a reference needs a base. A reference that cannot be read counts as absolute: its request will fail."""
    try:
        return not urlsplit(reference).scheme
    except ValueError:
        return False


def requestable(url: str) -> bool:
    """Whether `url` is http or https, names a host and a possible port, and holds no blank or control character."""
    if not url.isprintable() or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname) and port != 0


def with_userinfo(final: str, asked: str) -> str:
    """`final` with the userinfo of `asked`, when both are the same origin and `final` came back without any.

    A client takes credentials out of the request line; relative references of the document still need them.
    """
    try:
        here, there = urlsplit(final), urlsplit(asked)
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        return final
    userinfo, at, _ = there.netloc.rpartition("@")
    if not at or "@" in here.netloc or not same:
        return final
    return urlunsplit(here._replace(netloc=f"{userinfo}@{here.netloc}"))
