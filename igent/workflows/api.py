"""The Python API: one call that runs a constellation, and one that says what that would need."""

from __future__ import annotations

__all__ = ["estimate_workflow", "run_workflow"]

from collections.abc import Sequence
from decimal import Decimal
from os import PathLike
from typing import Any, Literal

from igent.config.settings import Settings, load_settings
from igent.reporting.forecast import Forecast
from igent.reporting.report import Report
from igent.types import Model
from igent.workflows.checks import check_pace
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.estimate import estimate
from igent.workflows.run import Workflow
from igent.workflows.watch import NO_WATCH, Watch

AnyPath = str | PathLike[str]


async def run_workflow(
    constellation: str | Constellation,
    *,
    data: AnyPath | None = None,
    scenario: str | None = None,
    out: AnyPath | None = None,
    fresh: bool = False,
    max_items: int | None = None,
    concurrency: int | Literal["auto"] | None = None,
    max_cost: Decimal | float | str | None = None,
    max_calls: int | None = None,
    speculate: Literal["auto", "on", "off"] | None = None,
    hedge: bool | None = None,
    cache: bool | None = None,
    model: str | Sequence[str] = (),
    base_url: str | None = None,
    api_key: str | None = None,
    allow_host: str | None = None,
    critic: str | None = None,
    mock: bool = False,
    mock_errors: float = 0.0,
    mock_latency: str | None = None,
    seed: int | None = None,
    conversations: bool | None = None,
    watch: Watch = NO_WATCH,
    client: Model | None = None,
) -> Report:
    """Run a constellation over a scenario and return its report: the same as the command line.

    Args:
        constellation: A name, the path of a YAML file, or what `load_constellation` gave.
        data: The data folder. None: the workload's own.
        scenario: The scenario's name in it. None: the constellation's.
        out: The run folder; an unfinished run there is gone on with. None: runs/<constellation>-<scenario>.
        fresh: Set an old run folder aside and start over.
        max_items: Only the first so many records. None: all.
        concurrency: Records in flight at once; "auto": found out while the run goes. None: the constellation's.
        max_cost: US dollars that the whole run may cost. None: no limit.
        max_calls: Requests that the whole run may send. None: no limit.
        speculate: Whether phases start early, as their `start` says; "auto": while their guesses are mostly right.
            None: the constellation's.
        hedge: Whether a second call is sent beside one that is slower than most. None: the constellation's.
        cache: Whether answers are taken from the user's cache and kept there. None: the constellation's, else in a
            graph.
        model: "NAME" for all agents, "AGENT=NAME" for one; one such string or several.
        base_url: An OpenAI-compatible endpoint, up to "/v1". None: OPENAI_BASE_URL, else the provider's own.
        api_key: A key for `base_url`. None: IGENT_API_KEY, else OPENAI_API_KEY where that belongs (see allow_host).
        allow_host: A host that OPENAI_API_KEY may be sent to, beside OpenAI's and that of OPENAI_BASE_URL.
        critic: "always", "invalid", "never" or "sample:P". None: the constellation's.
        mock: Answer in the process, without key or network.
        mock_errors: The share (0 to 1) of the mock's first answers that are wrong.
        mock_latency: The mock's pace, "gpt-4o" or "ttft=0.6,itl=0.02" in seconds; only with `mock`. None: instant.
        seed: For everything random. None: 0.
        conversations: Whether every message is kept in conversations.jsonl. None: yes.
        watch: Is told how the run goes.
        client: A model of the caller's own, in the place of endpoint and mock.

    Raises:
        ConfigError: The constellation, a prompt, the scenario or a setting is wrong.
        DataError: An input file cannot be used.
        RunFolderError: The run folder belongs to other inputs, or the disk refuses; RunInUseError: somebody uses it.
        LimitError: `max_cost` or `max_calls` is reached; what was finished is kept, and a higher limit goes on.
        AuthError: No key, a refused key, no quota, or an unknown model. What was finished before is kept.
    """
    limits = {"max_cost": max_cost, "max_calls": max_calls, "speculate": speculate, "hedge": hedge, "cache": cache}
    settings = load_settings(
        data=data,
        scenario=scenario,
        out=out,
        fresh=fresh,
        max_items=max_items,
        concurrency=concurrency,
        **limits,
        model=_models(model),
        base_url=base_url,
        api_key=api_key,
        allow_host=allow_host,
        critic=critic,
        mock=mock,
        mock_errors=mock_errors,
        mock_latency=mock_latency,
        seed=seed,
        conversations=conversations,
    )
    check_pace(settings)
    return await Workflow(_loaded(constellation, settings), settings, watch=watch, client=client).run()


async def estimate_workflow(constellation: str | Constellation, **options: Any) -> Forecast:
    """What `run_workflow` with the same options would send, cost and take: the same as `--dry-run`.

    Sends nothing, makes no run folder and needs no key. Of an endpoint, `mock_latency` says the pace to reckon with.
    `watch` and `client` are no options of it. Raises ConfigError, DataError and RunFolderError as the run would.
    """
    settings = load_settings(**{**options, "model": _models(options.get("model", ()))})
    return await estimate(_loaded(constellation, settings), settings)


def _models(model: str | Sequence[str]) -> tuple[str, ...]:
    return (model,) if isinstance(model, str) else tuple(model)


def _loaded(constellation: str | Constellation, settings: Settings) -> Constellation:
    if isinstance(constellation, str):
        return load_constellation(constellation, settings.model)
    return constellation.with_models(settings.model)
