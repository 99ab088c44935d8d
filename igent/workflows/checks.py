"""What is wrong with the settings of a run only together: said before anything is sent."""

from __future__ import annotations

__all__ = ["check_pace", "check_prices"]

from igent.config.settings import Settings
from igent.errors import ConfigError, Problem
from igent.reporting.cost import price
from igent.types import Usage
from igent.workflows.constellation import Constellation


def check_pace(settings: Settings) -> None:
    """Raise ConfigError where the mock is given a pace and is not asked: nothing would go at it."""
    if settings.mock_latency is not None and not settings.mock:
        what = f"--mock-latency {settings.mock_latency}: paces the mock, which is not asked"
        raise ConfigError(Problem("", what, "add --mock, or leave it out; a mock-server has a pace of its own"))


def check_prices(constellation: Constellation, settings: Settings) -> None:
    """Raise ConfigError where a run is to be bounded by its cost, and the price of one of its models is not known."""
    if settings.max_cost is None or settings.mock:
        return
    unknown = [model for model in constellation.all_models() if price(Usage(1, 1), model, settings.base_url) is None]
    if unknown:
        what = f"--max-cost {settings.max_cost}: the price of {', '.join(unknown)} is not known"
        raise ConfigError(Problem("", what, "bound the run by --max-calls instead"))
