"""`igent graph`, and graphs in `igent list`."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from flows_kit import GRAPH, NO_PHASES, PROMPT

from igent.errors import ConfigError, RunFolderError
from igent.workflows.cli_graph import graph
from igent.workflows.cli_tools import list_


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("constellations").mkdir()
    Path("constellations", "recipes.yaml").write_text(GRAPH, encoding="utf-8")
    Path("prompts").mkdir()
    Path("prompts", "judge.md").write_text(PROMPT, encoding="utf-8")


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(graph, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_mermaid_goes_to_stdout():
    said = call("recipes").stdout
    assert said.startswith("flowchart LR\n")
    assert "<b>left_plain</b>" in said
    assert said.count("-->") == 12


def test_a_chain_that_ships():
    said = call("p1m1m2c").stdout
    assert "critic (critic): gpt-4o" in said
    assert 'n1 -->|"predicted"| n2' in said


@pytest.mark.parametrize(
    ("arguments", "is_svg"),
    [
        (("--out", "a.svg"), True),
        (("--out", "a.SVG"), True),
        (("--out", "a.mmd"), False),
        (("--out", "a.svg", "--format", "mermaid"), False),
        (("--out", "a", "--format", "svg"), True),
    ],
)
def test_out_writes_a_file_in_the_format_of_its_ending(arguments, is_svg):
    result = call("recipes", *arguments)
    assert result.stdout == ""
    assert result.stderr == f"made {arguments[1]}\n"
    text = Path(arguments[1]).read_text(encoding="utf-8")
    assert text.startswith("<svg") == is_svg
    if is_svg:
        ElementTree.fromstring(text)
    assert call("recipes", "--format", "svg" if is_svg else "mermaid").stdout == text


def test_what_is_wrong_with_the_file_is_said_and_nothing_written():
    Path("constellations", "recipes.yaml").write_text(GRAPH.replace("of: near", "of: nearr"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"recipes\.yaml:34: .*did you mean 'near'"):
        call("recipes", "--out", "a.svg")
    with pytest.raises(ConfigError, match="did you mean 'recipes'"):
        call("recipe")
    assert not Path("a.svg").exists()
    assert ConfigError.exit_code == 2


def test_a_file_that_cannot_be_written_is_said():
    with pytest.raises(RunFolderError, match=r"cannot be written.*name another file: --out FILE"):
        call("p1m1m2c", "--out", "nowhere/a.svg")


def test_list_tells_how_many_phases_of_which_kinds():
    one = NO_PHASES.replace("recipes", "small") + "phases: [{kind: expand, name: x, step: dishes}]\n"
    Path("constellations", "small.yaml").write_text(one, encoding="utf-8")
    lines = CliRunner().invoke(list_).stdout.splitlines()
    found = {line.split()[0]: line for line in lines}
    assert "10 phases: expand, map, embed, pair …" in found["recipes"]
    assert "1 phase: expand" in found["small"]
    assert "matcher1 + critic; matcher2" in found["p1m1m2c"]
