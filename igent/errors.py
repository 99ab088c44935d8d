"""The error tree. Every error that leaves igent is one of these; each says what, where and what to do next.

IgentError
├── ConfigError            a constellation, prompt, setting or scenario is wrong      exit 2
├── DataError              an input file cannot be used                               exit 2
├── RunFolderError         a run folder belongs to other inputs, or is damaged        exit 2
│   └── RunInUseError      another process works on it                                exit 7
├── ProviderError          the model endpoint                                         exit 4 when fatal
│   ├── AuthError              no key, a refused key, no quota, an unknown model: the run stops
│   ├── RateLimitError         429; carries retry_after
│   ├── ServerError            5xx
│   ├── ConnectError           no connection, a reset, DNS, TLS
│   ├── DeadlineError          a deadline of igent's passed
│   ├── IncompleteError        the answer was cut off before its end
│   ├── ProtocolError          the endpoint's reply is not what the protocol says
│   └── RequestError           the endpoint refuses this request (400, 413, 422 …)
├── DrainedError           a call that was not sent, as the run was asked to end   none: the record is resumed
├── LimitError             a limit of the run (cost, calls) is reached                exit 6
└── InternalError          a bug of igent's                                           exit 3
"""

from __future__ import annotations

__all__ = [
    "AuthError",
    "ConfigError",
    "ConnectError",
    "DataError",
    "DeadlineError",
    "DrainedError",
    "IgentError",
    "IncompleteError",
    "InternalError",
    "LimitError",
    "Problem",
    "ProtocolError",
    "ProviderError",
    "RateLimitError",
    "RequestError",
    "RunFolderError",
    "RunInUseError",
    "ServerError",
]

from dataclasses import dataclass

from igent.types import NO_USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `where` (file:line, or ""), `what`, and the `remedy` ("" when there is none to name)."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class IgentError(Exception):
    """Base of all errors of igent; `exit_code` is what the command line ends with."""

    exit_code = 3

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem("", p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class ConfigError(IgentError):
    """A constellation, a prompt, a scenario or a setting is wrong; lists every problem found, not the first."""

    exit_code = 2


class DataError(IgentError):
    """An input file cannot be used as a whole. (One bad record is an Outcome `failed`, not an error.)"""

    exit_code = 2


class RunFolderError(IgentError):
    """A run folder cannot be resumed: other inputs, a newer format, or damage."""

    exit_code = 2


class RunInUseError(RunFolderError):
    """Another process works on the run folder; the message names its pid."""

    exit_code = 7


class ProviderError(IgentError):
    """The model endpoint failed.

    `retryable` tells whether the same call may succeed later, `fatal` that no call can. `retries` and `rate_limited`
    are the attempts beyond the first that the call had, and the answers of 429 among them; `wasted` the tokens that all
    its attempts are estimated to have cost. `overdue` is by how many seconds its end came later than its deadline: for
    so long this process was stopped, or held up. `reached` is False where no connection to the endpoint was had.
    """

    exit_code = 4
    retryable = False
    fatal = False
    retries = 0
    rate_limited = 0
    wasted = NO_USAGE
    overdue = 0.0
    reached = True


class AuthError(ProviderError):
    """No key, a refused key, no quota, or an unknown model: no further call can succeed, the run stops."""

    fatal = True


class RateLimitError(ProviderError):
    """The endpoint answered 429. `retry_after` is in seconds; None when it did not say."""

    retryable = True

    def __init__(self, *problems: Problem | str, retry_after: float | None = None) -> None:
        super().__init__(*problems)
        self.retry_after = retry_after


class ServerError(ProviderError):
    """The endpoint answered 5xx. `retry_after` is in seconds; None when it did not say."""

    retryable = True

    def __init__(self, *problems: Problem | str, retry_after: float | None = None) -> None:
        super().__init__(*problems)
        self.retry_after = retry_after


class ConnectError(ProviderError):
    """No connection, or it broke before an answer began."""

    retryable = True
    reached = False


class DeadlineError(ProviderError):
    """One of igent's own deadlines (connect, first token, between tokens, total) passed."""

    retryable = True


class IncompleteError(ProviderError):
    """The stream ended, abruptly or politely, before the endpoint said that the answer was finished."""

    retryable = True


class ProtocolError(ProviderError):
    """The reply is not what the protocol says (HTML, no choices, broken SSE); keeps the first 200 bytes of it."""

    retryable = True


class RequestError(ProviderError):
    """The endpoint refuses this very request (context length, content filter, bad parameter): the record fails."""


class DrainedError(IgentError):
    """The run was asked to end, and sends no more calls: the record goes on where it was when the run is resumed."""


class LimitError(IgentError):
    """A limit that was set for the run is reached: the message says which, its value, and what hit it.

    No record fails for it: the run drains, and goes on where it was with a higher limit.
    """

    exit_code = 6


class InternalError(IgentError):
    """A bug in igent, or in a plug-in's code; the message names the record, the log has the traceback."""

    exit_code = 3
