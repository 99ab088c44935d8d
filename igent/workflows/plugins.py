"""Workloads by name: the shipped ones, and any that an import path names."""

from __future__ import annotations

__all__ = ["load_workload", "shipped_workloads"]

import inspect
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import igent.workloads
from igent.config.names import did_you_mean
from igent.errors import ConfigError, Problem
from igent.workload import Workload

_MEMBERS = sorted(
    {name for name in vars(Workload) if not name.startswith("_")} | set(inspect.get_annotations(Workload))
)


def shipped_workloads() -> list[str]:
    """The names of the workloads that ship."""
    return sorted(module.name for module in pkgutil.iter_modules(igent.workloads.__path__) if module.ispkg)


def load_workload(reference: str, where: str = "") -> Workload:
    """The workload behind "sbus" or "package.module:NAME"; a module in the current folder will do.

    `where` is the "file:line" for messages. Raises ConfigError with the nearest name.
    """
    if ":" not in reference:
        if reference not in shipped_workloads():
            remedy = did_you_mean(reference, shipped_workloads(), "workloads that ship")
            raise ConfigError(
                Problem(where, f"no workload {reference!r}", f"{remedy}; one of your own is package.module:NAME")
            )
        reference = f"igent.workloads.{reference}.workload:WORKLOAD"
    module, _, attribute = reference.partition(":")
    if str(Path.cwd()) not in sys.path:  # a console script, unlike `python -m`, does not look in the current folder
        sys.path.append(str(Path.cwd()))
    try:
        workload: Workload = getattr(import_module(module), attribute)
    except (ImportError, SyntaxError, ValueError, AttributeError, NameError, TypeError) as error:
        raise ConfigError(Problem(where, f"workload {reference!r} cannot be imported: {error}")) from error
    missing = [name for name in _MEMBERS if not hasattr(workload, name)]
    if missing:
        what = f"workload {reference!r} lacks {', '.join(missing)}"
        raise ConfigError(Problem(where, what, "docs/workloads.md says what each is for"))
    if not workload.schemas:
        raise ConfigError(Problem(where, f"workload {reference!r} has no schemas", "it needs one for each answer"))
    return workload
