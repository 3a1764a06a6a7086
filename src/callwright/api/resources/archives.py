"""Records of calls by their day, for who deletes them (call-control reference §3.14)."""

from callwright.api.request import Answer, ApiRequest
from callwright.api.resources import calls
from callwright.api.routes import Routes


async def remove(request: ApiRequest, date: str, call_sid: str) -> Answer:
    """Deletes the record of a call of this day (UTC), when it has ended."""
    row = await calls.find(request, call_sid)
    if f"{row['date_created']:%Y-%m-%d}" != date:
        raise request.missing()
    return await calls.remove(request, call_sid)


def install(routes: Routes) -> None:
    """The path."""
    routes.add("DELETE", "/v1/Archives/{date}/Calls/{call_sid}", remove)
