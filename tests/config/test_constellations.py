"""Reading constellations: all that is wrong is said at once, with line and nearest name."""

from pathlib import Path

import pytest

from igent.config.constellation import ConstellationSpec
from igent.config.locate import Places, find_constellation, list_constellations, shipped_root
from igent.config.policy import CriticPolicy
from igent.config.yaml import read_yaml
from igent.errors import ConfigError
from igent.workflows.constellation import load_constellation

SHIPPED = ["p1m", "p1m1_p2m2", "p1m1c1_p2m2c2", "p1m1c1m2c2", "p1m1m2c", "p1m1m2c_fast", "p1r_p2r"]
GOOD = (shipped_root() / "constellations" / "p1m1m2c.yaml").read_text(encoding="utf-8")


def problems(tmp_path: Path, text: str, models: tuple[str, ...] = ()) -> list[str]:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_constellation(str(path), models)
    return [str(p).replace(str(tmp_path) + "/", "") for p in caught.value.problems]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_valid_and_short(name):
    constellation = load_constellation(name)
    assert constellation.name == name
    assert constellation.source.path.read_text(encoding="utf-8").count("\n") < 40


def test_those_of_the_interface_are_listed():
    assert set(SHIPPED) <= set(list_constellations())


def test_everything_wrong_is_said_at_once_with_lines(tmp_path):
    text = (
        GOOD.replace("served_area", "served_aria")
        .replace("critic: invalid", "critic: sometimes")
        .replace("flush_seconds", "flush_secs")
        .replace("sbus/critic.md", "sbus/critik.md")
        .replace("needs: [match]", "needs: [mach]")
    )
    found = problems(tmp_path, text)
    lines = [int(p.split(":")[1]) for p in found]
    assert lines == sorted(lines)
    said = "\n".join(found)
    for expected in (
        "no rule 'served_aria' in workload 'sbus' (did you mean 'served_area'?)",
        "'sometimes' is no critic policy",
        "unknown key 'flush_secs' in run (did you mean 'flush_seconds'?)",
        "no prompt 'sbus/critik.md' (did you mean 'sbus/critic.md'?)",
        "phase 'price' needs 'mach', which is no earlier phase (did you mean 'match'?)",
    ):
        assert expected in said
    assert len(found) == 5


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("workload: sbus", "workload: sbuss", "no workload 'sbuss' (did you mean 'sbus'?"),
        ("schema: match", "schema: mtach", "no schema 'mtach'"),
        ("reserves: supplier_id", "reserves: suplier_id", "no field 'suplier_id' (did you mean 'supplier_id'?)"),
        ("agents: [matcher2]", "agents: [matcher3]", "no agent 'matcher3'"),
        ("agents: [matcher2]", "agents: [critic]", "exactly one agent with role matcher"),
        ("role: critic", "role: critick", "role of agent 'critic'"),
        ("output: pos", "output: matches", "two steps write 'matches'"),
        ("output: pos", "output: summary", "output 'summary': the run folder has a file summary.json of another kind"),
        ("name: price", "name: match", "two phases are named 'match'"),
        ("output: pos", "output: ../pos", "a name has letters"),
        ("matcher2: {", "2matcher: {", "an agent's name"),
        ("model: gpt-4o\n", "", "agent 'matcher1' has no model"),
        ("max_rounds: 3\n\n", "max_rounds: 0\n\n", "greater than or equal to 1"),
        ("name: p1m1m2c\n", "name: p1m1m2c\nname: again\n", "duplicate key"),
        ("phases:\n", "phases: []\nfases:\n", "unknown key 'fases'"),
        ("prompt: sbus/critic.md", "prompt: ../../pyproject.toml", "no prompt"),
        ("prompt: sbus/critic.md", "prompt: sbus/critic.md, type: no.such:Thing", "cannot be imported"),
        ("prompt: sbus/critic.md", "prompt: sbus/critic.md, type: os:nothing", "has no 'nothing'"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path, old, new, expected):
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    hit = [p for p in found if expected in p]
    assert hit, found
    assert hit[0].startswith("c.yaml:")
    assert hit[0].split(":")[1].isdigit()


def test_a_model_given_on_the_command_line_is_a_model(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(GOOD.replace("model: gpt-4o\n", ""), encoding="utf-8")
    constellation = load_constellation(str(path), ("big", "critic=small"))
    assert constellation.models == {"matcher1": "big", "critic": "small", "matcher2": "big"}
    with pytest.raises(ConfigError, match="no agent 'critik'"):
        load_constellation(str(path), ("big", "critik=small"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a constellation is a mapping"),
        ("- a\n- b\n", "a constellation is a mapping"),
        ("name: [\n", "not valid YAML"),
        ("name: x\n", "lacks 'workload'"),
        ("a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n" + "".join(
            f"c{i}: &c{i} [" + ", ".join([f"*{'b' if i == 0 else f'c{i - 1}'}"] * 9) + "]\n" for i in range(7)
        ), "more than 100,000 values"),
        ("name: !!python/object/apply:os.system [true]\n", "c.yaml"),
    ],
)  # fmt: skip
def test_hopeless_files_are_refused_with_a_reason(tmp_path, text, expected):
    assert expected in "\n".join(problems(tmp_path, text))


def test_yaml_is_read_as_1_2(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: NO\nb: on\nc: 010\nd: 12:30:00\n", encoding="utf-8")
    assert read_yaml(path).value == {"a": "NO", "b": "on", "c": 10, "d": "12:30:00"}


def test_a_missing_or_undecodable_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: is not UTF-8"):
        read_yaml(path)


def test_the_nearest_constellation_is_suggested():
    with pytest.raises(ConfigError, match="did you mean 'p1m1m2c'"):
        find_constellation("p1m1m2d")
    with pytest.raises(ConfigError, match="no such constellation file"):
        find_constellation("somewhere/p1m1m2c.yaml")


def test_the_current_folder_comes_before_what_ships(tmp_path, monkeypatch):
    (tmp_path / "constellations").mkdir()
    (tmp_path / "constellations" / "p1m1m2c.yaml").write_text(GOOD.replace("description: ", "description: MINE "))
    (tmp_path / "prompts" / "sbus").mkdir(parents=True)
    (tmp_path / "prompts" / "sbus" / "critic.md").write_text("mine {{ agent }}")
    monkeypatch.chdir(tmp_path)
    mine = load_constellation("p1m1m2c")
    assert mine.spec.description.startswith("MINE")
    systems = {p.name: p.system for _, p in mine.participants()}
    assert systems["critic"] == "mine critic\n"
    assert "REGISTRATION" in systems["matcher1"]
    shipped = load_constellation(str(shipped_root() / "constellations" / "p1m1m2c.yaml"))
    assert {p.name: p.system for _, p in shipped.participants()}["critic"] == "mine critic\n"


def test_a_constellations_own_tree_comes_before_the_current_folder(tmp_path, monkeypatch):
    for place in ("own", "here"):
        (tmp_path / place / "prompts").mkdir(parents=True)
        (tmp_path / place / "prompts" / "a.md").write_text(place)
    (tmp_path / "own" / "constellations").mkdir()
    file = tmp_path / "own" / "constellations" / "x.yaml"
    file.write_text("x: 1")
    monkeypatch.chdir(tmp_path / "here")
    assert Places.around(file).find("prompts", "a.md") == (tmp_path / "own" / "prompts" / "a.md").resolve()
    (tmp_path / "secret.md").write_text("secret")
    assert Places.around(file).find("prompts", "../../secret.md") is None


@pytest.mark.parametrize(("text", "kind"), [("invalid", "invalid"), ("always", "always"), ("never", "never")])
def test_policies(text, kind):
    assert CriticPolicy.parse(text).kind == kind


@pytest.mark.parametrize("text", ["", "sometimes", "sample", "sample:2", "sample:x", "always:1", "sample:nan"])
def test_bad_policies_list_the_good_ones(text):
    with pytest.raises(ValueError, match="always, invalid, never, or sample:P"):
        CriticPolicy.parse(text)


def test_a_sample_is_drawn_by_record_and_has_its_share():
    policy = CriticPolicy.parse("sample:0.3")
    asked = [policy.asks(valid=True, record_id=f"r{i}", seed=1) for i in range(2000)]
    assert asked == [policy.asks(valid=True, record_id=f"r{i}", seed=1) for i in range(2000)]
    assert 500 < sum(asked) < 700
    assert all(policy.asks(valid=False, record_id=f"r{i}", seed=1) for i in range(50))


def test_when_the_critic_is_asked():
    def asks(policy: str, valid: bool) -> bool:
        return CriticPolicy.parse(policy).asks(valid=valid, record_id="r", seed=0)

    table = [(p, v, asks(p, v)) for p in ("always", "invalid", "never") for v in (True, False)]
    assert table == [
        ("always", True, True), ("always", False, True),
        ("invalid", True, False), ("invalid", False, True),
        ("never", True, False), ("never", False, False),
    ]  # fmt: skip


def test_yaml_may_say_sample_as_a_mapping():
    spec = {
        "name": "x", "workload": "sbus", "scenario": "s", "model": "m",
        "agents": {"a": {"role": "matcher", "prompt": "p"}},
        "phases": [{"name": "p", "agents": ["a"], "output": "o", "schema": "match", "critic": {"sample": 0.1}}],
    }  # fmt: skip
    assert str(ConstellationSpec.model_validate(spec).phases[0].steps[0].critic) == "sample:0.1"


RULED = (shipped_root() / "constellations" / "p1r_p2r.yaml").read_text(encoding="utf-8")
ONE_CALL = (shipped_root() / "constellations" / "p1m.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULED.replace("{role: rule}", "{role: rule, prompt: sbus/matcher1.md}"), "has role rule: it has no prompt"),
        (RULED.replace("{role: rule}", "{role: rule, model: gpt-4o}"), "has role rule: it has no model"),
        (RULED.replace("[rules1, matcher1]", "[rules1, rules2, matcher1]"), "at most one agent with role rule"),
        (RULED.replace("agents: [rules1, matcher1]", "agents: [rules1]"), "exactly one agent with role matcher"),
        (GOOD.replace("prompt: sbus/matcher2.md", "model: gpt-4o"), "it has no prompt"),
        (ONE_CALL.replace("also: {matches: match}", "also: {pos: match}"), "two steps write 'pos'"),
        (ONE_CALL.replace("also: {matches: match}", "also: {matches: mach}"), "no schema 'mach'"),
        (GOOD.replace("max_rounds: 3", "max_rounds: 3\n    also: {orders: purchase_order}", 1), "does not hold all of"),
        (GOOD.replace("start: predicted", "start: predicted\n    reserves: supplier_id"), "so it can reserve nothing"),
        (GOOD.replace("start: predicted", "start: soon"), "'settled', 'streamed' or 'predicted'"),
    ],
)  # fmt: skip
def test_early_starts_rule_agents_and_further_outputs_are_checked(tmp_path, text, said):
    assert any(said in line for line in problems(tmp_path, text))


def test_a_rule_agent_is_given_no_model_by_the_command_line(tmp_path):
    loaded = load_constellation("p1r_p2r", ("gpt-4o-mini",))
    assert set(loaded.models) == {"matcher1", "matcher2"}
    with pytest.raises(ConfigError, match="no agent 'rules1'"):
        load_constellation("p1r_p2r", ("rules1=gpt-4o",))
