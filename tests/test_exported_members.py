"""`igent.__all__` is the public interface: what it names exists, and nothing else is public by accident."""

import inspect
import subprocess
import sys
import types

import pytest

import igent


def test_all_names_exist_and_are_sorted():
    assert sorted(igent.__all__, key=str) == sorted(set(igent.__all__), key=str)
    for name in igent.__all__:
        assert hasattr(igent, name), name


def test_nothing_else_is_public():
    public = {
        name
        for name, value in vars(igent).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "annotations"
    }
    assert public <= set(igent.__all__)
    assert set(dir(igent)) == set(igent.__all__)


def test_what_is_not_there_is_said_as_python_says_it():
    with pytest.raises(AttributeError, match="no attribute 'run_workflows'"):
        _ = igent.run_workflows


def test_importing_igent_loads_neither_autogen_nor_openai():
    code = "import sys, igent, igent.errors; sys.exit(bool({'autogen_core', 'openai'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_fixed_names_are_there():
    assert {"run_workflow", "Workflow", "load_constellation"} <= set(igent.__all__)


def test_every_public_thing_has_a_docstring():
    for name in igent.__all__:
        if name != "__version__":
            assert inspect.getdoc(getattr(igent, name)), name
