"""How the mock server sends what it sends whole: in its time, broken off, or not at all."""

from __future__ import annotations

__all__ = ["deliver", "fault_reply"]

from collections.abc import Mapping

from aiohttp import web

from igent.models.pace import Timing
from igent.models.script import error_body
from igent.models.speech import Speech, Ticker


def fault_reply(fault: str, retry_after: float, headers: Mapping[str, str]) -> web.Response | None:
    """The reply to a call that is not answered, for a fault (see check_kind) that is a status, a page or nothing; None
    for others, and for none (""). A 429 and a 503 ask for `retry_after` seconds."""
    if fault in ("html", "empty"):
        page = "<html><body>Please log in</body></html>" if fault == "html" else ""
        return web.Response(text=page, content_type="text/html", headers=headers)
    if not fault.isdigit():
        return None
    more = {"Retry-After": f"{retry_after:g}"} if fault in ("429", "503") else {}
    kind, code = ("requests", "rate_limit_exceeded") if fault == "429" else ("mock_fault", None)
    body = error_body(f"a fault on demand: {fault}", kind, code)
    return web.Response(body=body, status=int(fault), content_type="application/json", headers={**headers, **more})


async def deliver(
    request: web.Request,
    body: bytes,
    *,
    fault: str,
    wait: float,
    arrived: float,
    ticker: Ticker,
    headers: Mapping[str, str],
) -> tuple[web.StreamResponse, bool]:
    """Reply with a JSON body, `wait` seconds after the loop time `arrived`; whether the client was still there then.

    Of the faults, `polite` and `garbage` send half of the body, `cut` half of what it has announced, `stall` nothing.
    """
    transport, stayed = request.transport, True
    if fault in ("polite", "garbage"):
        body = body[: len(body) // 2]
    stall = fault == "stall"
    if (wait or stall) and transport is not None:
        # An empty event: it takes its time, and sees the client leave.
        silence = Speech(transport, (b"",), 0, Timing(0.0 if stall else wait, 0.0), arrived, stall=stall)
        ticker.add(silence)
        stayed = await silence.spoken
    if fault == "cut":
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        if transport is not None:
            transport.close()
        return response, stayed
    return web.Response(body=body, content_type="application/json", headers=headers), stayed
