"""igent runs multi-agent conversations over many records and brings out validated JSON.

from igent import run_workflow
report = await run_workflow("p1m1m2c", scenario="overlap_only", max_items=5, mock=True)
"""

from __future__ import annotations

import logging as _logging
from importlib import metadata as _metadata

from igent.errors import (
    AuthError,
    ConfigError,
    DataError,
    IgentError,
    ProviderError,
    RunFolderError,
    RunInUseError,
)
from igent.reporting.report import Report
from igent.types import Outcome
from igent.workflows.api import run_workflow
from igent.workflows.constellation import Constellation, load_constellation
from igent.workflows.run import Workflow

_logging.getLogger("igent").addHandler(_logging.NullHandler())  # a library prints nothing by itself

__all__ = [
    "AuthError",
    "ConfigError",
    "Constellation",
    "DataError",
    "IgentError",
    "Outcome",
    "ProviderError",
    "Report",
    "RunFolderError",
    "RunInUseError",
    "Workflow",
    "__version__",
    "load_constellation",
    "run_workflow",
]

try:
    __version__ = _metadata.version("igent")
except _metadata.PackageNotFoundError:  # a bare checkout on the path, not installed
    __version__ = "0+unknown"
