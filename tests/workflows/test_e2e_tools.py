"""init, validate, list and doctor; constellations and agents of one's own; the wheel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from e2e_support import CONSTELLATIONS, RESULTS, ROOT, Shell, final_files, json_of, lines_of, oracle

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")


def test_init_validate_run(shell: Shell):
    """What init prints is what one types next."""
    made = shell.igent("init", "mine")
    assert "made mine/constellations/my_p1m1m2c.yaml" in made.err
    steps = [line.split() for line in made.out.splitlines()]
    assert [words[:2] for words in steps] == [["cd", "mine"], ["igent", "validate"], ["igent", "run"]]
    shell.folder = shell.folder / "mine"
    for words in steps[1:]:
        shell.igent(*words[1:])
    oracle(shell.folder / "runs" / "my_p1m1m2c-overlap_only", max_items=5)
    assert "my_p1m1m2c " in shell.igent("list").out


@pytest.mark.parametrize("source", CONSTELLATIONS)
def test_init_from_each(shell: Shell, source):
    shell.igent("init", "mine", "--from", source, "--name", "own")
    shell.igent("run", "mine/constellations/own.yaml", "--mock", "--max-items", 2, "--out", "run")
    oracle(shell.folder / "run", max_items=2)
    assert "is not empty" in shell.igent("init", "mine", code=2).err


FIFTH = """
name: strict
description: a critic on every draft, and a prompt of my own
workload: sbus
scenario: overlap_only
model: some-model
agents:
  matcher1: {role: matcher, prompt: sbus/matcher1.md}
  hawk: {role: critic, prompt: hawk.md, model: hawk-model, description: sees everything}
  matcher2: {role: matcher, prompt: sbus/matcher2.md, options: {temperature: 0.5}}
phases:
  - name: match
    agents: [matcher1, hawk]
    output: picks
    schema: match
    rules: [registration, served_area, free_capacity, offers_product, lowest_use, quantities, product]
    reserves: supplier_id
    critic: always
  - name: price
    needs: [match]
    agents: [matcher2, hawk]
    output: orders
    schema: purchase_order
    rules: [same_match, line_prices, totals, subsidies]
    critic: {sample: 0.5}
"""


def test_a_fifth_constellation_by_yaml_alone(shell: Shell):
    (shell.folder / "constellations").mkdir()
    (shell.folder / "prompts").mkdir()
    (shell.folder / "constellations" / "strict.yaml").write_text(FIFTH)
    (shell.folder / "prompts" / "hawk.md").write_text(
        "You are {{ agent }} of {{ constellation }}. Judge:\n{{ schema }}\n"
    )
    assert "strict.yaml: ok" in shell.igent("validate", "strict").out
    assert re.search(
        r"^strict +sbus +matcher1 \+ hawk; matcher2 \+ hawk +a critic on every", shell.igent("list").out, re.M
    )
    shell.run("strict", "--mock", "--max-items", 20, "--out", "run")
    shell.run("p1m1m2c", "--mock", "--max-items", 20, "--out", "other")
    run, other = shell.folder / "run", shell.folder / "other"
    names = {"picks.json": "matches.json", "orders.json": "pos.json"}
    same = {names.get(n, n): c for n, c in final_files(run, [*names, "capacity.json"]).items()}
    assert same == final_files(other, RESULTS)
    phases = [o["phases"] for o in lines_of(run / "outcomes.jsonl")]
    assert {p[0]["critic"] for p in phases} == {"approved"}
    assert {p[1]["critic"] for p in phases} == {"approved", "skipped"}
    models = json_of(run / "summary.json")["run"]["models"]
    assert models == {"matcher1": "some-model", "hawk": "hawk-model", "matcher2": "some-model"}


def test_a_prompt_in_the_current_folder_comes_before_the_shipped_one(shell: Shell):
    path = shell.folder / "prompts" / "sbus" / "critic.md"
    path.parent.mkdir(parents=True)
    path.write_text("A critic of my own.\n")
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--out", "run", "--critic", "always")
    run = [entry for entry in lines_of(shell.folder / "run" / "journal.jsonl") if entry["entry"]["kind"] == "run"]
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--out", "run", "--critic", "always")
    path.unlink()
    assert (
        "the prompts have changed" in shell.run("p1m1m2c", "--mock", "--out", "run", "--critic", "always", code=2).err
    )
    assert len(run) == 1


def test_validate_lists_every_error_with_its_line(shell: Shell):
    text = FIFTH.replace("hawk.md", "hauk.md").replace("lowest_use", "lowest_usage").replace("sample: 0.5", "sample: 5")
    (shell.folder / "bad.yaml").write_text(text)
    process = shell.igent("validate", "bad.yaml", "p1m1m2c", code=2)
    lines = [line for line in process.err.splitlines() if line.startswith("bad.yaml:")]
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)
    assert len(lines) == 3
    for wrong, line in zip(("hauk.md", "lowest_usage", "sample:5"), lines, strict=True):
        number = int(line.split(":")[1])
        assert wrong in line
        assert text.splitlines()[number - 1].replace(" ", "").count(wrong.replace(" ", ""))
    assert "p1m1m2c.yaml: ok" in process.out
    refused = shell.run("bad.yaml", "--mock", "--out", "run", code=2)
    assert all(line in refused.err for line in lines)


GRAPHS = ("crosswalk", "crosswalk_batch", "crosswalk_cascade", "crosswalk_critic")


def test_list_and_validate_what_ships(shell: Shell):
    listed = shell.igent("list").out
    shipped = sorted([*CONSTELLATIONS, *GRAPHS])
    assert [line.split()[0] for line in listed.splitlines()] == shipped
    assert shell.igent("validate").out.count(": ok\n") == len(shipped)
    assert "igent" in shell.igent("--version").out
    assert "mock-server" in shell.igent("--help").out


def test_doctor(shell: Shell):
    process = shell.igent("doctor")
    assert "no key: set OPENAI_API_KEY" in process.out
    assert f"{len(CONSTELLATIONS) + len(GRAPHS)} constellations" in process.out
    with_key = shell.igent("doctor", OPENAI_API_KEY="sk-very-secret-0123456789")
    assert "sk-very" not in with_key.out + with_key.err
    (shell.folder / "constellations").mkdir()
    (shell.folder / "constellations" / "bad.yaml").write_text("name: bad\n")
    assert "FAIL" in shell.igent("doctor", code=1).out
    unreachable = shell.igent("doctor", "--base-url", "http://127.0.0.1:9/v1", "--call", "m", code=1)
    assert "a call to 'm' failed" in unreachable.out


AGENTS = '''
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import TextMessage
from autogen_agentchat.base import Response

class Loud(AssistantAgent):
    """An AssistantAgent that writes down what it says."""

    def __init__(self, *args, note="", **kwargs):
        super().__init__(*args, **kwargs)
        self.note = note

    async def on_messages(self, messages, cancellation_token):
        response = await super().on_messages(messages, cancellation_token)
        with open("said.txt", "a") as file:
            file.write(f"{self.note} {self.name}\\n")
        return response

def chatty(name, model_client, system_message, description):
    return AssistantAgent(name, model_client, system_message=system_message, description=description)

def wrong(name):
    return "no agent"
'''


@pytest.mark.parametrize("kind", ["Loud", "chatty"])
def test_an_agent_by_import_path(shell: Shell, kind):
    (shell.folder / "my_agents.py").write_text(AGENTS)
    shell.igent("init", "mine", "--name", "own")
    path = shell.folder / "mine" / "constellations" / "own.yaml"
    extra = ", with: {note: hear}" if kind == "Loud" else ""
    typed = f"matcher1: {{role: matcher, prompt: sbus/matcher1.md, type: my_agents:{kind}{extra}}}"
    path.write_text(path.read_text().replace("matcher1: {role: matcher, prompt: sbus/matcher1.md}", typed))
    assert typed in path.read_text()
    shell.igent("validate", path)
    shell.run(path, "--mock", "--mock-errors", 0.3, "--max-items", 10, "--out", "run")
    shell.run("p1m1m2c", "--mock", "--mock-errors", 0.3, "--max-items", 10, "--out", "plain")
    assert final_files(shell.folder / "run") == final_files(shell.folder / "plain")
    if kind == "Loud":
        said = (shell.folder / "said.txt").read_text().splitlines()
        assert set(said) == {"hear matcher1"}
        assert len(said) >= 10


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("type: my_agents:wrong", "no AutoGen chat agent"),
        ("type: my_agents:Loud, with: {noise: 1}", "noise"),
        ("with: {noise: 1}", "noise"),
        ("type: my_agents:Quiet", "has no 'Quiet'"),
        ("type: my_agents", "is no import path"),
    ],
)
def test_an_agent_that_cannot_be_made_is_told_before_anything_is_sent(shell: Shell, typed, said):
    (shell.folder / "my_agents.py").write_text(AGENTS)
    shell.igent("init", "mine", "--name", "own")
    path = shell.folder / "mine" / "constellations" / "own.yaml"
    path.write_text(path.read_text().replace("sbus/matcher1.md}", f"sbus/matcher1.md, {typed}}}"))
    for command in (("validate", path), ("run", path, "--mock", "--out", "run")):
        process = shell.igent(*command, code=2)
        assert said in process.err
        assert re.search(r"own\.yaml:\d+: ", process.err)
    assert not (shell.folder / "run").exists()


def test_the_wheel_has_all_it_needs(tmp_path):
    pytest.importorskip("hatchling")
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        build = [sys.executable, "-c", f"import hatchling.build as b; b.build_wheel({str(tmp_path)!r})"]
    else:
        build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("igent-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]
    here = tmp_path / "empty"
    here.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("IGENT_", "OPENAI_"))}  # noqa: TID251
    command = [sys.executable, "-m", "igent.workflows", "p1m1m2c", "--mock", "--max-items", "3", "--json"]
    done = subprocess.run(
        command,
        cwd=here,
        env={**env, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    summary = json.loads(done.stdout)
    assert Path(summary["run"]["data"]).is_relative_to(tmp_path / "site")
    assert (summary["counts"]["done"], summary["counts"]["failed"]) == (3, 0)
    oracle(here / "runs" / "p1m1m2c-overlap_only", max_items=3)
