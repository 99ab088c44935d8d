"""igent runs multi-agent conversations over many records and brings out validated JSON.

from igent import run_workflow
report = await run_workflow("p1m1m2c", scenario="overlap_only", max_items=5, mock=True)
"""

from __future__ import annotations

import logging as _logging
from importlib import import_module as _import_module
from importlib import metadata as _metadata
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from igent.errors import (
        AuthError,
        ConfigError,
        DataError,
        IgentError,
        LimitError,
        ProviderError,
        RunFolderError,
        RunInUseError,
    )
    from igent.outcome import Outcome
    from igent.reporting.report import Report
    from igent.workflows.api import estimate_workflow, run_workflow
    from igent.workflows.constellation import Constellation, load_constellation
    from igent.workflows.run import Workflow

__all__ = [
    "AuthError",
    "ConfigError",
    "Constellation",
    "DataError",
    "IgentError",
    "LimitError",
    "Outcome",
    "ProviderError",
    "Report",
    "RunFolderError",
    "RunInUseError",
    "Workflow",
    "__version__",
    "estimate_workflow",
    "load_constellation",
    "run_workflow",
]

# AutoGen and openai take seconds to import: a name is loaded when it is first used (PEP 562), so that the command line
# can answer Ctrl-C from its first moment, and `from igent.errors import …` costs nothing.
_HOMES = {
    "AuthError": "igent.errors",
    "ConfigError": "igent.errors",
    "Constellation": "igent.workflows.constellation",
    "DataError": "igent.errors",
    "IgentError": "igent.errors",
    "LimitError": "igent.errors",
    "Outcome": "igent.outcome",
    "ProviderError": "igent.errors",
    "Report": "igent.reporting.report",
    "RunFolderError": "igent.errors",
    "RunInUseError": "igent.errors",
    "Workflow": "igent.workflows.run",
    "estimate_workflow": "igent.workflows.api",
    "load_constellation": "igent.workflows.constellation",
    "run_workflow": "igent.workflows.api",
}

_logging.getLogger("igent").addHandler(_logging.NullHandler())  # a library prints nothing by itself

try:
    __version__ = _metadata.version("igent")
except _metadata.PackageNotFoundError:  # a bare checkout on the path, not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> _Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'igent' has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
