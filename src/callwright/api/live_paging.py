"""Pages of what lives in the daemon and nowhere else: a list of this moment, cut by number."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from callwright.api.errors import INVALID_PARAMETER
from callwright.api.paging import DEFAULT_SIZE, MAX_PAGE, MAX_SIZE
from callwright.api.request import ApiRequest, Page

T = TypeVar("T")


def live_page(
    request: ApiRequest,
    path: str,
    names: tuple[str, str, str],
    items: Sequence[T],
    present: Callable[[T], dict[str, Any]],
    filters: Sequence[str] = (),
) -> Page:
    """The page that a request asks for.

    Args:
        path: of the list, without an extension.
        names: collection, key and name of `Page`.
        filters: names of the parameters that the pages' URIs keep.

    Raises:
        RestError: a PageSize or Page that cannot be read.
    """
    query = request.query
    size = min(query.integer("PageSize", 1, 999_999_999, code=INVALID_PARAMETER) or DEFAULT_SIZE, MAX_SIZE)
    number = query.integer("Page", 0, MAX_PAGE, code=INVALID_PARAMETER) or 0
    kept = [(name, value) for name, value in query.items() if name in filters]
    shown = items[number * size : (number + 1) * size]

    def uri(page: int) -> str:
        return f"{path}{request.suffix}?" + urlencode([*kept, ("PageSize", size), ("Page", page)])

    meta = {
        "end": number * size + len(shown) - 1 if shown else 0,
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if len(items) > (number + 1) * size else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": uri(number - 1) if shown and number else None,
        "start": number * size if shown else 0,
        "uri": uri(number),
    }
    collection, key, name = names
    return Page(collection, key, name, [present(item) for item in shown], meta)
