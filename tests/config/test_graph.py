"""Graphs of phases: what does not fit is said before anything is sent, with line, what and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from flows_kit import GRAPH, NO_PHASES, PROMPT, TALKS, WORKLOAD

from igent.config.load import read_constellation
from igent.errors import ConfigError
from igent.workflows.constellation import load_constellation


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "prompts").mkdir(exist_ok=True)
    (tmp_path / "prompts" / "judge.md").write_text(PROMPT, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "c.yaml"


def problems(tmp_path: Path, text: str, *changes: tuple[str, str]) -> list[str]:
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_constellation(str(path))
    return [str(p).replace(f"{path}", "c.yaml") for p in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        GRAPH,
        TALKS,
        GRAPH.replace("agents:\n", "agents:\n  critic: {role: critic, prompt: judge.md}\n")
        .replace("agents: [judge]", "agents: [judge, critic]")
        .replace("    batch: 20\n", ""),
        GRAPH.replace("of: near", "of: near, output: best, tables: true"),
        GRAPH.replace("needs: [near]", "needs: [n]").replace("of: near", "of: n").replace("name: near", "name: n"),
        NO_PHASES + "phases: [{kind: map, name: late, step: plain, needs: [early]},"
        " {kind: expand, name: early, step: dishes}]\n",
        TALKS.replace("  - name: first", "  - name: first\n    where: {x: 1}")
        .replace("schema: summary", "schema: match")
        .replace("flows_kit:WORKLOAD", "sbus").replace("schema: verdict", "schema: match"),
    ],
    ids=["graph", "chain", "critic", "output", "named", "later", "where"],
)  # fmt: skip
def test_what_fits_is_taken(tmp_path, text):
    loaded = load_constellation(str(write(tmp_path, text)))
    assert loaded.spec.is_graph == (text is not TALKS)


WRONG = [
    # needs
    ("needs: [left]", "needs: [lefty]", 17,
     "phase 'left_plain' needs 'lefty', which is no phase (did you mean 'left'?)"),
    ("needs: [left]", "needs: [left, left]", 17, "phase 'left_plain' needs 'left' twice"),
    ("needs: [left]", "needs: [near]", 19,
     "phases need each other in a circle: left_plain -> near -> left_near -> left_plain (take one out"),
    ("needs: [left]", "needs: [left_plain]", 17, "in a circle: left_plain -> left_plain"),
    ("[left_near, right_near]", "[left_near]", 23,
     "of kind pair: it needs exactly two of the others, not 1 (needs: [left_near, right_near])"),
    (", needs: [left_plain]", "", 19, "of kind embed: it needs one or more of the others, not 0"),
    ("needs: [same], of", "of", 34, "of kind select: it needs exactly one of the others, not 0"),
    ("    needs: [best, right_plain]\n", "", 35, "of kind reduce: it needs one or more of the others, not 0"),
    ("where: {book: b}", "where: {book: b}, needs: [left]", 16, "has `where` and `needs`"),
    ("name: right,", "name: left,", 16, "two phases are named 'left'"),
    # types
    (", needs: [left]}", "}", 17,
     "needs no other, so it takes the input's 'record', but its step 'plain' takes 'dish' ('dish' is given by phases "
     "'left', 'right')"),
    ("where: {book: b}", "needs: [left]", 16,
     "phase 'left' gives 'dish', but phase 'right' takes 'record': its step 'dishes' does ('record' is what the input"),
    ("needs: [near]", "needs: [left]", 28,
     "phase 'left' gives 'dish', but phase 'same' takes 'pair': its schema 'verdict' does ('pair' is given by "
     "phase 'near')"),
    ("    needs: [near]\n", "", 27, "phase 'same' needs no other, so it takes the input's 'record', but its schema"),
    ("needs: [left_plain]", "needs: [left_plain, right]", 19,
     "phase 'right' gives 'dish' and phase 'left_plain' gives 'plain_dish' (an embed phase takes one type;"),
    ("[left_near, right_near]", "[left_near, right_plain]", 23,
     "phase 'right_plain' is of kind map, but phase 'near' pairs what was embedded (phases that embed: left_near, "
     "right_near)"),
    ("needs: [right_plain]}", "needs: [right_plain], model: other}", 23,
     "phase 'right_near' embeds by model 'other', but phase 'left_near' by 'local'"),
    ("[best, right_plain]", "[best]", 38, "its step 'book' takes 2 streams (in this order: mapping, plain_dish)"),
    ("[best, right_plain]", "[right_plain, best]", 38,
     "phase 'right_plain' gives 'plain_dish', but phase 'book' takes 'mapping': its step 'book' does"),
    # gathering
    ("of: near", "of: nearr", 34, "phase 'best' gathers 'nearr', which is no phase (did you mean 'near'?)"),
    ("of: near", "of: same", 34, "but phase 'same' is of kind converse (of: left or near or right)"),
    ("of: near", "of: left", 34,
     "cannot gather what came of 'left': on the way back, phase 'near' is of kind pair (only map, embed and converse"),
    # steps
    ("step: plain, needs: [left]", "step: plainn, needs: [left]", 17,
     "no step 'plainn' in workload 'flows_kit:WORKLOAD' (did you mean 'plain'?)"),
    ("step: plain, needs: [left]", "step: best, needs: [left]", 17,
     "step 'best' of workload 'flows_kit:WORKLOAD' is one for phases of kind select, not map (kind: select; steps "
     "for map: plain, spice)"),
    ("same_course", "same_curse", 26,
     "no rule 'same_curse' for pairs in workload 'flows_kit:WORKLOAD' (did you mean 'same_course'?)"),
    ("flows_kit:WORKLOAD", "sbus", 13, "no step 'dishes': workload 'sbus' offers no steps (steps need a workload with"),
    # what a graph does not have
    ("    batch: 20\n", "    reserves: same\n", 33,
     "`reserves` is for chains of conversations, and this is a graph (phase 'left' is of kind expand) (leave it out"),
    ("    batch: 20\n", "    start: predicted\n", 33, "`start: predicted` is for chains of conversations"),
    ("    batch: 20\n", "    batch: 20\n    answer: short\n", 34,
     "its answers are given in full, not `answer: short` (answer: full, or batch: 1)"),
    ("schema: verdict", "schema: numbered", 31,
     "its answers carry the number of their record, and schema 'numbered' has a field `number`"),
    # outputs
    ("output: crosswalk", "output: verdicts", 39, "two phases write 'verdicts'"),
    ("output: crosswalk", "output: summary", 39, "the run folder has a file summary.json of another kind"),
    ("output: crosswalk", "output: timings", 39, "the run folder has a file timings.csv of another kind"),
    ("    output: crosswalk\n", "", 39, "phase 'book' has tables, but no output to name them (output: NAME)"),
    # cascades
    ("confidence: sure", "confidence: shure", 9,
     "schema 'verdict', which agent 'judge' answers by, has no field 'shure' (did you mean 'sure'?)"),
    ("role: matcher", "role: critic", 9, "agent 'judge' has role critic: only a matcher's answer says how sure it is"),
    ("    prompt: judge.md\n", "    prompt: judge.md\n    type: builtins:dict\n", 10, "is of a type of your own"),
    # keys
    ("kind: pair", "kind: pairs", 22, "no kind 'pairs' of phase (did you mean 'pair'?)"),
    ("kind: pair", "kind: 7", 22, "no kind '7' of phase (kinds: converse, embed, expand, map, pair, reduce, select)"),
    ("k: 3", "kk: 3", 24, "unknown key 'kk' in phase 7 (did you mean 'k'?)"),
    ("    kind: pair\n", "", 23,
     "unknown key 'k' in phase 7 (a phase of kind pair has it: say which, as in kind: pair)"),
    ("cpu: 2", "cpus: 2", 43, "unknown key 'cpus' in run.resources (did you mean 'cpu'?)"),
    ("concurrency: 8", "limits: {tokens_a_minute: 4}", 42,
     "unknown key 'tokens_a_minute' in run.limits (did you mean 'tokens_per_minute'?)"),
    ("threshold: 0.8}", "threshold: 0.8, model: x}", 9,
     "unknown key 'model' in the cascade of agent 'judge' (did you mean 'models'?)"),
    ("threshold: 0.8}", "threshold: 8}", 9, "threshold of the cascade of agent 'judge': Input should be less than"),
    ("uses: vision", "uses: gpu", 15, "uses of phase 1: Input should be 'llm', 'embedding', 'vision' or 'cpu'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "said"), WRONG, ids=[f"{old}->{new}".strip() for old, new, _, _ in WRONG]
)
def test_what_does_not_fit_is_said_where_it_stands(tmp_path, old, new, line, said):
    found = problems(tmp_path, GRAPH, (old, new))
    assert any(p.startswith(f"c.yaml:{line}: ") and said in p for p in found), found


def test_one_mistake_is_one_problem(tmp_path):
    """A name that leads nowhere does not make everything behind it wrong."""
    for old, new, _, said in WRONG:
        if said.startswith(("phase 'left_plain' needs", "phases need", "no step 'plainn'", "no kind")):
            assert len(problems(tmp_path, GRAPH, (old, new))) == 1


def test_all_is_said_at_once_in_the_order_of_the_lines(tmp_path):
    changes = [
        ("kind: expand\n    step: dishes", "kind: expandd\n    step: dishs"),
        ("needs: [right]", "needs: [rihgt]"),
        ("k: 3", "kk: 3"),
        ("of: near", "of: far"),
        ("reduce", "redduce"),
    ]
    found = problems(tmp_path, GRAPH, *changes)
    assert [int(p.split(":")[1]) for p in found] == [12, 13, 18, 24, 34, 36]


def test_lines_are_right_behind_a_phase_that_is_none(tmp_path):
    expand, mapped = "kind: expand, name: x, step: dishes, stp: 3", "kind: map, name: y, step: plain, needs: [xx]"
    phases = f"phases:\n  - 3\n  - {{{expand}}}\n  - {{{mapped}}}\n"
    found = problems(tmp_path, NO_PHASES + phases)
    assert [p.partition(" ")[0] for p in found] == ["c.yaml:6:", "c.yaml:7:", "c.yaml:8:"]
    assert "unknown key 'stp' in phase 2 (did you mean 'step'?)" in found[1]
    assert "phase 'y' needs 'xx', which is no phase (did you mean 'x'?)" in found[2]


def test_a_step_of_no_known_sort_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setitem(WORKLOAD.steps, "odd", max)
    found = problems(tmp_path, GRAPH)
    assert found == ["c.yaml:2: step 'odd' of the workload is none of MapStep, ExpandStep, SelectStep, ReduceStep"]


def test_several_circles_are_several_problems(tmp_path):
    changes = [("needs: [left]", "needs: [left_near]"), ("needs: [right]", "needs: [right_near]")]
    found = [p for p in problems(tmp_path, GRAPH, *changes) if "circle" in p]
    assert [p.partition(" (")[0] for p in found] == [
        "c.yaml:19: phases need each other in a circle: left_plain -> left_near -> left_plain",
        "c.yaml:20: phases need each other in a circle: right_plain -> right_near -> right_plain",
    ]


def test_a_batch_is_one_step_without_a_critic(tmp_path):
    talk = "    - {agents: [judge], output: a, schema: summary}\n"
    talk += "    - {agents: [judge, critic], output: b, schema: verdict}\n"
    text = TALKS[: TALKS.index("phases:")] + "phases:\n  - name: both\n    batch: 5\n    steps:\n" + talk
    found = problems(tmp_path, text)
    assert any(p.startswith("c.yaml:10: phase 'both' has a batch of 5 and 2 steps: one call, one step") for p in found)
    assert any(p.startswith("c.yaml:13: phase 'both' has a batch of 5: a critic judges one answer") for p in found)


def test_a_chain_needs_agents_and_earlier_phases(tmp_path):
    without = TALKS[: TALKS.index("agents:")] + TALKS[TALKS.index("phases:") :]
    assert problems(tmp_path, without) == [
        "c.yaml:1: the constellation has no agents (agents: {NAME: {role: matcher, prompt: FILE.md}})"
    ]
    swapped = [("name: first", "name: third"), ("needs: [first]", "needs: [second]")]
    assert any("needs 'second', which is no earlier phase" in p for p in problems(tmp_path, TALKS, *swapped))


def test_a_graph_without_conversations_has_no_agents(tmp_path):
    phases = "phases:\n  - {kind: expand, name: x, step: dishes, output: dishes}\n"
    assert load_constellation(str(write(tmp_path, NO_PHASES + phases))).models == {}
    found = problems(tmp_path, NO_PHASES + "agents: {idle: {role: matcher, prompt: judge.md}}\n" + phases)
    assert found == ["c.yaml:5: no phase uses agent 'idle'"]


def test_many_phases_are_no_trouble(tmp_path):
    many = 1500
    chain = [f"  - {{kind: map, name: p{i}, step: plain, needs: [p{i + 1}]}}\n" for i in range(many)]
    text = NO_PHASES + "phases:\n" + "".join(chain) + f"  - {{kind: expand, name: p{many}, step: dishes}}\n"
    found = problems(tmp_path, text)
    assert "phase 'p1' gives 'plain_dish', but phase 'p0' takes 'dish'" in found[0]
    assert (len(found), found[-1]) == (51, "c.yaml:55: and more problems like this")


def test_a_file_with_a_wrong_kind_is_read_as_the_nearest(tmp_path):
    source = read_constellation(write(tmp_path, GRAPH.replace("kind: pair", "kind: par")))
    assert [phase.kind for phase in source.spec.phases][6] == "pair"
    assert len(source.problems) == 1
