"""Opening a scenario, and what the prompts show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from crosswalk_kit import SOURCE, TARGET, case_of, election, option

from igent.config.load import read_constellation
from igent.errors import ConfigError, DataError
from igent.flow import Flows, PdfFile
from igent.workload import Document
from igent.workloads.crosswalk.read import open_dataset
from igent.workloads.crosswalk.workload import WORKLOAD

ROOT = Path(__file__).parents[3]
CONSTELLATIONS = ("crosswalk", "crosswalk_batch", "crosswalk_cascade", "crosswalk_critic")
PDF = PdfFile(Path("plan.pdf"), "00")


def documents(**values):
    return {key: Document(f"data/{key}.json", value) for key, value in values.items()}


def test_one_record_for_each_document():
    given = documents(target_bpd=PDF, source_bpd=[], source_aa={"elections": []}, target_aa=[])
    dataset = open_dataset(given)
    assert [(r.id, r.index, r.data["side"], r.data["part"]) for r in dataset.records] == [
        ("source_bpd", 0, "source", "bpd"),
        ("target_bpd", 1, "target", "bpd"),
        ("source_aa", 2, "source", "aa"),
        ("target_aa", 3, "target", "aa"),
    ]
    assert dataset.records[0].data["document"] == "source_bpd.json"
    assert dataset.reference.documents[dataset.records[1].id].value is PDF


def test_adoption_agreements_come_together_or_not_at_all():
    assert len(open_dataset(documents(source_bpd=PDF, target_bpd=PDF)).records) == 2
    with pytest.raises(DataError, match="source_aa is given without target_aa"):
        open_dataset(documents(source_bpd=PDF, target_bpd=PDF, source_aa=[]))
    with pytest.raises(DataError, match="target_aa is given without source_aa"):
        open_dataset(documents(source_bpd=PDF, target_bpd=PDF, target_aa=[]))


def test_every_document_of_a_wrong_shape_is_named():
    with pytest.raises(DataError) as caught:
        open_dataset(documents(source_bpd="text", target_bpd={"elections": []}, source_aa=3, target_aa=PDF))
    assert len(caught.value.problems) == 3
    assert "source_bpd.json: source_bpd is neither a PDF nor a list of provisions" in str(caught.value)
    assert '{"elections": […]}' in str(caught.value)


def test_the_prompt_shows_both_sides_and_no_similarity():
    blocks = WORKLOAD.blocks(case_of(SOURCE | {"fingerprint": "x"}), "mapping")
    assert list(blocks) == ["SOURCE", "TARGET"]
    assert blocks["SOURCE"] == {
        "id": "source-1",
        "section_number": "2.01",
        "section_title": "Age",
        "provision_type": "eligibility_rule",
        "provision_text": SOURCE["provision_text"],
    }
    shown = WORKLOAD.blocks(case_of(election("e", "2.01", option("(a)", "18"))), "mapping")["SOURCE"]
    assert (shown["kind"], shown["status"], shown["options"][0]["option_text"]) == ("single_select", "answered", "18")


def test_the_prompt_of_a_variance_shows_the_instances():
    case = case_of(SOURCE | {"unresolved": ["AA Q 9.99"]}, TARGET | {"unresolved": []})
    blocks = WORKLOAD.blocks(case, "variance")
    assert list(blocks) == ["SOURCE_INSTANCE", "TARGET_INSTANCE"]
    assert blocks["SOURCE_INSTANCE"]["unresolved"] == ["AA Q 9.99"]
    assert "unresolved" not in blocks["TARGET_INSTANCE"]
    with pytest.raises(ConfigError, match="has no schema 'other'"):
        WORKLOAD.blocks(case, "other")


def test_the_workload_offers_steps_and_takes_no_units():
    assert isinstance(WORKLOAD, Flows)
    case = case_of()
    assert WORKLOAD.predict(case) is WORKLOAD.unit({}, "x") is WORKLOAD.refusal("mapping") is None
    assert (list(WORKLOAD.confirm_refusal(case)), WORKLOAD.refusal_reason(case)) == ([], "")
    assert WORKLOAD.capacity_document({}) == {}


@pytest.mark.parametrize("name", CONSTELLATIONS)
def test_the_types_fit_from_phase_to_phase(name):
    """Each phase takes what those that it needs give, and every step, pair rule and rule is one of the workload's."""
    source = read_constellation(ROOT / "constellations" / f"{name}.yaml")
    assert not source.problems
    gives: dict[str, str] = {}
    for phase in source.spec.phases:
        came = tuple(gives[need] for need in phase.needs) or ("record",)
        match phase.kind:
            case "embed":
                (gives[phase.name],) = came
            case "pair":
                assert phase.compatible in WORKLOAD.compatible
                assert len(set(came)) == 1
                assert len(came) == 2
                gives[phase.name] = "pair"
            case "converse":
                (step,) = phase.steps
                assert came == (WORKLOAD.takes[step.schema_name],)
                assert set(step.rules) <= set(WORKLOAD.rules)
                gives[phase.name] = step.schema_name
            case _:
                step = WORKLOAD.steps[phase.step]
                assert came == (step.takes if isinstance(step.takes, tuple) else (step.takes,)), phase.name
                gives[phase.name] = step.gives
    outputs = {phase.output for phase in source.spec.phases if getattr(phase, "output", None)}
    assert outputs == {"crosswalk_bpd", "crosswalk_aa", "crosswalk_confirmed", "variances", "red_team", "statistics"}


def test_every_rule_is_used():
    spec = read_constellation(ROOT / "constellations" / "crosswalk.yaml").spec
    assert {rule for _, step in spec.steps() for rule in step.rules} == set(WORKLOAD.rules)


def graph_of(name):
    text = (ROOT / "constellations" / f"{name}.yaml").read_text(encoding="utf-8")
    graph = text[text.index("phases:") :]
    return re.sub(r"\n    (batch: 10|critic: sample:0\.1)(?=\n)", "", graph).replace("[verifier, critic]", "[verifier]")


@pytest.mark.parametrize("name", CONSTELLATIONS[1:])
def test_the_variants_have_the_same_graph(name):
    assert graph_of(name) == graph_of("crosswalk")


@pytest.mark.parametrize("prompt", ["verifier", "critic", "variance"])
def test_prompts_name_what_the_schema_and_the_blocks_name(prompt):
    text = (ROOT / "prompts" / "crosswalk" / f"{prompt}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+)`", text)) - {"feedback", "verdict"}
    shown = {"id", "field_label", "kind", "status", "options", "is_selected", "unresolved", "provision_type"}
    schema = "variance" if prompt == "variance" else "mapping"
    assert named <= shown | set(WORKLOAD.schemas[schema].model_fields)
    assert ("{{ schema }}" in text) is (prompt != "critic")
