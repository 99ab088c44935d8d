"""Bad input: an exit code, a message that names file, line, record and remedy, and never a traceback."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from e2e_support import Shell, copy_data, edit_json, json_of, lines_of, oracle

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")


@pytest.fixture
def data(shell: Shell) -> Path:
    """A data folder of one's own with ten registrations, one a line."""
    return copy_data(shell.folder / "data", first=10)


REGISTRATIONS = "registrations_overlap_only.json"
RUN = ("p1m1m2c", "--mock", "--data", "data", "--out", "run")


def refused(shell: Shell, *arguments: str | Path, code: int = 2, **env: str) -> str:
    """Run what must be refused before anything is made; returns what was said, on stderr alone."""
    process = shell.run(*arguments, code=code, **env)
    assert process.out == ""
    assert not (shell.folder / "run").exists()
    return process.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("p1m1m2x", "--mock"), "no constellation 'p1m1m2x' (did you mean 'p1m1m2c'?"),
        (("no/such.yaml", "--mock"), "no/such.yaml: no such constellation file"),
        (
            ("p1m1m2c", "--mock", "--scenario", "overlap_onli"),
            "no scenario 'overlap_onli' (did you mean 'overlap_only'?",
        ),
        (("p1m1m2c", "--mock", "--scenario", "../x"), "no scenario '../x'"),
        (("p1m1m2c", "--mock", "--data", "nowhere"), "nowhere: no such data folder"),
        (("p1m1m2c", "--mock", "--critic", "sometimes"), "--critic: 'sometimes' is no critic policy: always, invalid"),
        (("p1m1_p2m2", "--mock", "--critic", "always"), "--critic always: constellation 'p1m1_p2m2' has no critic"),
        (("p1m1m2c", "--mock", "--mock-latency", "soon"), "'soon' is neither a profile nor a time (give a profile"),
        (("p1m1m2c", "--mock", "--model", "critik=x"), "no agent 'critik' (agents: matcher1, critic, matcher2)"),
        (("p1m1m2c", "--mock", "--concurrency", "0"), "Invalid value for '--concurrency'"),
        (("p1m1m2c", "--mock", "--max-items", "few"), "Invalid value for '--max-items'"),
        (("p1m1m2c", "--mock", "--mock-errors", "1.5"), "Invalid value for '--mock-errors'"),
        (("p1m1m2c", "--mock", "--nonsense"), "No such option"),
        (("p1m1m2c", "--mock", "--profile", "no/such/dir/f", "--out", "run"), "--profile no/such/dir/f: No such file"),
        (
            ("p1m1m2c", "--mock", "--log-file", "no/such/dir/f", "--out", "run"),
            "--log-file no/such/dir/f: No such file",
        ),
        (("p1m1m2c", "--base-url", "localhost:1234", "--out", "run"), "--base-url like http://localhost:8000/v1"),
    ],
)
def test_what_is_asked_for_does_not_exist(shell: Shell, arguments, said):
    assert said in refused(shell, *arguments)


def test_without_a_constellation_they_are_listed(shell: Shell):
    said = refused(shell)
    assert "which constellation?" in said
    assert "p1m1c1_p2m2c2" in said


def test_no_key(shell: Shell):
    said = refused(shell, "p1m1m2c", "--out", "run", code=4)
    assert (
        "no API key: set OPENAI_API_KEY, name another endpoint with --base-url, or try it without a model: --mock"
        in said
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("IGENT_SEED", "soon", "--seed: Input should be a valid integer"),
        ("IGENT_MODEL", "critik=x", "no agent 'critik'"),
        ("IGENT_CRITIC", "x", "'x' is no critic policy"),
    ],
)
def test_a_bad_environment(shell: Shell, name, value, said):
    assert said in refused(shell, "p1m1m2c", "--mock", "--out", "run", **{name: value})


def test_the_environment_chooses_models(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 1, "--out", "run", IGENT_MODEL="all, critic=other")
    models = json_of(shell.folder / "run" / "summary.json")["run"]["models"]
    assert models == {"matcher1": "all", "critic": "other", "matcher2": "all"}


def test_a_missing_input_file(shell: Shell, data: Path):
    (data / REGISTRATIONS).unlink()
    said = refused(shell, *RUN)
    assert f"data/{REGISTRATIONS}: there is no such file (did you mean registrations_" in said


def test_invalid_json_is_told_with_its_line(shell: Shell, data: Path):
    path = data / REGISTRATIONS
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace('"CampaignName":', '"CampaignName"')
    path.write_text("\n".join(lines))
    offers = data / "offers.json"
    offers.write_text(offers.read_text()[:-30])
    said = refused(shell, *RUN)
    assert f"data/{REGISTRATIONS}:4" in said
    assert "data/offers.json:" in said, "both files are wrong, both are told at once"


def test_a_scenario_with_mistakes(shell: Shell, data: Path):
    path = data / "scenarios" / "overlap_only.yaml"
    path.write_text(path.read_text().replace("offers:", "ofers:"))
    said = refused(shell, *RUN)
    assert re.search(r"overlap_only\.yaml:\d+: unknown key 'ofers' \(did you mean 'offers'\?\)", said)
    assert "lacks 'offers'" in said
    path.write_text("registrations: ../../secret.json\noffers: offers.json\n")
    assert "overlap_only.yaml:1: registrations: '../../secret.json' is no file inside the data folder" in refused(
        shell, *RUN
    )


def test_half_a_character_in_an_id_fails_its_record_alone(shell: Shell, data: Path):
    edit_json(data / REGISTRATIONS, lambda rows: rows[4].update(RegistrationNumber="SPUS\ud800"))
    assert "9 to run, 1 failing by their input" in shell.run(*RUN, "--dry-run").out
    process = shell.run(*RUN, code=1)
    outcomes = lines_of(shell.folder / "run" / "outcomes.jsonl")
    assert [o["status"] for o in outcomes] == ["done"] * 4 + ["failed"] + ["done"] * 5
    assert (outcomes[4]["record_id"], outcomes[4]["cause"]) == ("registration 5", "input")
    assert "half a character" in shell.igent("report", "run").out
    assert "half a character" in process.out


def test_a_registration_without_zip_fails_alone(shell: Shell, data: Path):
    edit_json(data / REGISTRATIONS, lambda rows: rows[4].pop("Contact_Zip") and None)
    process = shell.run(*RUN, code=1)
    outcomes = lines_of(shell.folder / "run" / "outcomes.jsonl")
    assert [o["status"] for o in outcomes] == ["done"] * 4 + ["failed"] + ["done"] * 5
    assert outcomes[4]["cause"] == "input"
    assert outcomes[4]["reason"].count(f"{REGISTRATIONS}:6") == 1
    assert "Contact_Zip" in outcomes[4]["reason"]
    assert re.search(r"1 +input +", process.out)
    report = shell.igent("report", "run").out
    assert re.search(r"1 +input +.*Contact_Zip", report)
    assert outcomes[4]["record_id"] in report
    oracle(shell.folder / "run", data=data)
    assert "igent retry" not in process.err, "it would find nothing to do"
    assert "mend the failed records in the input" in process.err
    assert "nothing to retry" in shell.igent("retry", "run").err


def test_a_duplicate_id_fails_the_second_record(shell: Shell, data: Path):
    edit_json(data / REGISTRATIONS, lambda rows: rows[7].update(RegistrationNumber=rows[2]["RegistrationNumber"]))
    shell.run(*RUN, code=1)
    outcomes = lines_of(shell.folder / "run" / "outcomes.jsonl")
    failed = [o for o in outcomes if o["status"] == "failed"]
    assert len(outcomes) == len({o["record_id"] for o in outcomes}) == 10
    assert len(failed) == 1
    assert f"{REGISTRATIONS}:9" in failed[0]["reason"]
    assert f"{REGISTRATIONS}:4" in failed[0]["reason"]
    assert len(json_of(shell.folder / "run" / "matches.json")) == 9


def spoil_capacity(data: Path, change: dict) -> None:
    scenario = data / "scenarios" / "overlap_only.yaml"
    text = re.sub(r"(?m)^capacity:.*\n", "", scenario.read_text())
    scenario.write_text(text + "capacity: cap.json\n")
    offers = json_of(data / "offers.json")["SupplierOffers"]
    stock = {o["SupplierID"]: {"SupplierID": o["SupplierID"], "Capacity": 50, "Used": 0, "UsedPct": 0} for o in offers}
    first = next(iter(stock))
    (data / "cap.json").write_text(
        json.dumps({**stock, **{(k or first): {**stock[first], **v} for k, v in change.items()}}, indent=1)
    )


def test_an_unknown_supplier_in_the_capacity(shell: Shell, data: Path):
    spoil_capacity(data, {"Atlantis Solar": {"SupplierID": "Atlantis Solar"}})
    said = refused(shell, *RUN)
    assert re.search(r"data/cap\.json:\d+: .*Atlantis Solar", said)


def test_more_used_than_there_is(shell: Shell, data: Path):
    spoil_capacity(data, {"": {"Used": 51}})
    said = refused(shell, *RUN)
    assert re.search(r"data/cap\.json:\d+: .*Used.*51.*50", said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no prompt 'sbus/critic.md'"),
        (b"caf\xe9 {{ agent }}", "is not UTF-8 (save the file as UTF-8)"),
        (b"ok\n{{ agnt }}", "'agnt' is undefined"),
        (b"ok\n\n{% if %}", "critic.md:3: "),
        (b"  \n", "is empty"),
        (b"{{ ''.__class__.__mro__ }}", "critic.md"),
    ],
)
def test_a_prompt_that_cannot_be_used(shell: Shell, content, said):
    shell.igent("init", "mine")
    prompt = shell.folder / "mine" / "prompts" / "sbus" / "critic.md"
    prompt.unlink()
    if content is not None:
        prompt.write_bytes(content)
    else:  # not even among those that ship
        path = shell.folder / "mine" / "constellations" / "my_p1m1m2c.yaml"
        path.write_text(path.read_text().replace("sbus/critic.md", "sbus/kritic.md"))
        said = said.replace("critic", "kritic")
    for command in (("igent.workflows", "mine/constellations/my_p1m1m2c.yaml", "--mock", "--out", "run"),
                    ("igent", "validate", "mine/constellations/my_p1m1m2c.yaml")):  # fmt: skip
        process = shell.run(*command[1:], module=command[0], code=2)
        assert said in process.err
        assert "mine/constellations/my_p1m1m2c.yaml:" in process.err
    assert not (shell.folder / "run").exists()


PLUG_IN = """
from igent.types import Violation
from igent.workloads.sbus.workload import Sbus

def picky(answer, case):
    if case.record.id.endswith("3"):
        raise KeyError("picky")
    return ()

class Mine(Sbus):
    rules = {**Sbus.rules, "picky": picky}

class Blind(Sbus):
    def predict(self, case):
        if case.record.id.endswith("5"):
            raise ValueError("no crystal ball")
        return super().predict(case)

WORKLOAD, BLIND = Mine(), Blind()
"""


def own_constellation(shell: Shell, change: dict[str, str]) -> str:
    shell.igent("init", "mine", "--name", "mine")
    path = shell.folder / "mine" / "constellations" / "mine.yaml"
    text = path.read_text()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return "mine/constellations/mine.yaml"


def test_a_bug_in_a_plug_in_fails_its_record_only(shell: Shell):
    (shell.folder / "plugin.py").write_text(PLUG_IN)
    name = own_constellation(shell, {"workload: sbus": "workload: plugin:WORKLOAD", "rules: [": "rules: [picky, "})
    command = (name, "--mock", "--data", "mine/data/sbus", "--max-items", 12, "--out", "run", "--log-file", "log")
    shell.run(*command, code=1)
    outcomes = lines_of(shell.folder / "run" / "outcomes.jsonl")
    failed = [o for o in outcomes if o["status"] != "done"]
    assert {o["record_id"][-1] for o in failed} == {"3"}
    assert {o["cause"] for o in failed} == {"internal"}
    assert "KeyError" in failed[0]["reason"]
    assert "plugin.py" in (shell.folder / "log").read_text(), "the traceback belongs in the log"
    assert len(outcomes) == 12
    oracle(shell.folder / "run", max_items=12)


def test_a_bug_in_a_prediction_fails_nothing(shell: Shell):
    (shell.folder / "plugin.py").write_text(PLUG_IN)
    name = own_constellation(shell, {"workload: sbus": "workload: plugin:BLIND"})
    shell.run(name, "--mock", "--data", "mine/data/sbus", "--max-items", 12, "--out", "run")
    assert len(json_of(shell.folder / "run" / "matches.json")) == 12


@pytest.mark.parametrize("text", ["raise = 1", "import no_such_module", "OTHER = 1", ""])
def test_a_plug_in_that_cannot_be_loaded(shell: Shell, text):
    (shell.folder / "broken_plugin.py").write_text(text)
    name = own_constellation(shell, {"workload: sbus": "workload: broken_plugin:WORKLOAD"})
    process = shell.run(name, "--mock", code=2)
    assert re.search(r"mine\.yaml:\d+: workload 'broken_plugin:WORKLOAD' cannot be imported", process.err)


def test_odd_but_legal_json_is_no_bug(shell: Shell, data: Path):
    path = data / REGISTRATIONS
    text = path.read_text().replace(
        '"Contact_Utility": ', '"note": "\\ud800 ``` end", "big": 123456789012345678901234567890, "Contact_Utility": '
    )
    path.write_text(text)
    shell.run(*RUN)
    oracle(shell.folder / "run", data=data)


@pytest.mark.parametrize("command", ["report", "retry", "reset"])
def test_what_is_no_run_folder(shell: Shell, command):
    assert "nowhere" in shell.igent(command, "nowhere", code=2).err
    (shell.folder / "empty").mkdir()
    assert "empty" in shell.igent(command, "empty", code=2).err
