"""Work that blocks, beside the event loop; a process that is to end does not wait for it."""

from __future__ import annotations

__all__ = ["aside"]

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")


async def aside(function: Callable[..., _T], *arguments: Any) -> _T:
    """What the function returns or raises, called in a thread of its own.

    As asyncio.to_thread, but nobody waits at the end for a thread that was given up: what it began (a child process)
    has limits of its own.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if future.done():  # cancelled
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # without an error there is one

    def work() -> None:
        result, error = None, None
        try:
            result = function(*arguments)
        except BaseException as raised:  # noqa: BLE001  # it is raised where the result is waited for
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="igent-aside", daemon=True).start()
    return await future
