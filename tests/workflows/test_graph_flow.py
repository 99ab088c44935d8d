"""What flows through a graph: nothing stops, is lost or doubled, whatever the queues hold and whoever is first."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256

import pytest
from graph_lab import Lab, record
from hypothesis import given, settings
from hypothesis import strategies as st

from igent.flow import Item, Lost


async def same(item, context):
    return dict(item.data)


async def three(item, context):
    for n in range(3):
        yield Item(f"{item.id}.{n}", {"n": n})


async def whole(group, context):
    return {"items": [item.id for item in group.items], "lost": [lost.id for lost in group.lost]}


async def table(streams, context):
    return [
        Item(
            "all",
            {stream.phase: [[one.id for one in stream.items], [one.id for one in stream.lost]] for stream in streams},
        )
    ]


STEPS = {"same": same, "three": three, "whole": whole, "table": table}
SHAPES = {
    "a diamond": """[{name: a, kind: expand, step: three}, {name: b, kind: map, step: same, needs: [a]},
    {name: c, kind: map, step: same, needs: [b]}, {name: d, kind: reduce, step: table, needs: [a, c]}]""",
    "early and late": """[{name: a, kind: map, step: same}, {name: b, kind: expand, step: three, needs: [a]},
    {name: c, kind: select, of: b, step: whole, needs: [b]}, {name: e, kind: reduce, step: table, needs: [a, c]},
    {name: d, kind: reduce, step: table, needs: [e, b, a]}]""",
    "expands in a row": """[{name: a, kind: expand, step: three}, {name: b, kind: expand, step: three, needs: [a]},
    {name: c, kind: expand, step: three, needs: [b]}, {name: s, kind: select, of: c, step: whole, needs: [c]},
    {name: d, kind: reduce, step: table, needs: [s, a, b]}]""",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_full_queues_and_one_place_stop_nobody(shape):
    names = [f"r{n}" for n in range(12)]
    narrow = Lab(SHAPES[shape], STEPS, places=1, room=1)
    wide = Lab(SHAPES[shape], STEPS, places=50, room=1000)
    found = narrow.run(names)["d"]
    assert found.items == wide.run(names)["d"].items
    assert narrow.books.outcomes.keys() == wide.books.outcomes.keys()
    assert narrow.failed() == {}


def test_an_expand_step_lends_its_place_to_those_who_make_room():
    """With one place, a step that held it while its queue is full would wait for a phase that waits for the place."""

    async def many(item, context):
        for n in range(30):
            yield Item(f"{item.id}.{n}", {})

    lab = Lab(
        "[{name: a, kind: expand, step: many}, {name: b, kind: map, step: same, needs: [a]}]",
        {"many": many, "same": same},
        places=1,
        room=1,
    )
    assert len(lab.run(["r", "s"])["b"].items) == 60


def test_one_item_may_become_twenty_thousand():
    async def many(item, context):
        for n in range(20_000):
            yield Item(f"{n}", {})

    async def count(streams, context):
        return [Item("all", {"many": len(streams[0].items)})]

    lab = Lab("[{name: a, kind: expand, step: many}, {name: b, kind: reduce, step: count, needs: [a]}]", locals())
    assert lab.run(["r"])["b"].data == {"all": {"many": 20_000}}


def test_a_phase_that_no_record_is_for_gives_an_empty_stream():
    lab = Lab(
        """[{name: a, kind: map, step: same, where: {side: l}}, {name: b, kind: expand, step: three, needs: [a]},
        {name: c, kind: select, of: b, step: whole, needs: [b]},
        {name: d, kind: reduce, step: table, needs: [c, a]}]""",
        STEPS,
    )
    assert lab.run([])["d"].data == {"all": {"c": [[], []], "a": [[], []]}}


SEVERAL = """[{name: a, kind: map, step: named, where: {side: l}}, {name: b, kind: map, step: named, where: {side: l}},
{name: c, kind: KIND, step: KIND, needs: [a, b]}, {name: d, kind: reduce, step: table, needs: [c]}]"""


@pytest.mark.parametrize("kind", ["map", "expand"])
@pytest.mark.parametrize("first", ["a", "b"])
def test_two_phases_may_give_to_one_and_the_order_is_that_of_the_file(kind, first):
    """Both give their item from the same record; whoever is quicker, the order is the same."""

    async def go():
        waits = asyncio.Event()

        def of(phase):
            async def parts(item, context):
                if phase != first:
                    await waits.wait()
                yield Item(f"{phase}{item.id}", {})
                waits.set()

            return parts

        async def expand(item, context):
            yield Item(f"{item.id}+", {})

        text = SEVERAL.replace("kind: map, step: named", "kind: expand, step: first", 1)
        text = text.replace("kind: map, step: named", "kind: expand, step: second").replace("KIND", kind)
        steps = {**STEPS, "map": same, "expand": expand, "first": of("a"), "second": of("b")}
        return (await Lab(text, steps).go([("r", {"side": "l"})]))["d"].data["all"]["c"][0]

    more = "+" if kind == "expand" else ""
    assert asyncio.run(go()) == [f"ar{more}", f"br{more}"]


@pytest.mark.parametrize("kind", ["map", "expand"])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_second_item_of_one_id_fails_by_itself(kind, resumed):
    async def expand(item, context):
        yield Item(f"{item.id}+", {})

    lab = Lab(SEVERAL.replace("KIND", kind), {**STEPS, "named": same, "map": same, "expand": expand})
    found = lab.run([("r", {"side": "l"})])
    if resumed:
        found = lab.run([("r", {"side": "l"})], lab.books.outcomes)
    ((name, reason),) = lab.failed().items()
    assert name == "c/r (2)"
    assert "phase c takes the id 'r' twice, the second time from" in reason
    assert found["d"].data == {"all": {"c": [["r+" if kind == "expand" else "r"], ["r"]]}}


def test_a_second_record_of_one_id_fails_by_itself():
    lab = Lab("[{name: a, kind: map, step: same}]", STEPS)
    found = lab.run([("r", {"n": 1}), ("r", {"n": 2}), record(("s", {}), 2)])
    assert found["a"].data == {"r": {"n": 1}, "s": {}}
    assert "a/r (2)" in lab.failed()


def test_a_unit_that_ends_the_run_gives_its_place_back_and_nothing_more_begins():
    from igent.errors import DrainedError

    begun = []

    async def ends(item, context):
        begun.append(item.id)
        if item.id == "r1":
            lab.draining = True
            raise DrainedError("no more")
        return {}

    lab = Lab(
        "[{name: a, kind: map, step: ends}, {name: b, kind: reduce, step: table, needs: [a]}]",
        {"ends": ends, **STEPS},
        places=1,
    )
    found = lab.run([f"r{n}" for n in range(5)])
    assert begun == ["r0", "r1"]
    assert found["a"].ids == ["r0"]
    assert (found["b"].items, found["b"].lost) == ([], [])  # of a stream that is not whole nothing is made
    assert set(lab.books.outcomes) == {"a/r0"}


def test_a_step_that_cancels_itself_fails_its_unit():
    async def cancels(item, context):
        raise asyncio.CancelledError

    lab = Lab("[{name: a, kind: map, step: cancels}]", locals())
    assert lab.run(["r"])["a"].lost_ids == ["r"]
    assert "cancelled its own turn" in lab.failed()["a/r"]


def test_what_rests_on_a_unit_that_was_tried_again_is_made_anew_and_nothing_else():
    broken = True

    async def tried(item, context):
        if broken and item.id == "r.1":
            raise ValueError("a bug")
        return dict(item.data)

    lab = Lab(
        """[{name: a, kind: expand, step: three}, {name: b, kind: map, step: tried, needs: [a]},
        {name: m, kind: map, step: same, needs: [b]}, {name: c, kind: select, of: a, step: whole, needs: [m]}]""",
        {**STEPS, "tried": tried},
    )
    assert lab.run(["r", "s"])["c"].data["r"] == {"items": ["r.0", "r.2"], "lost": ["r.1"]}
    broken = False
    earlier = {name: outcome for name, outcome in lab.books.outcomes.items() if name != "b/r.1"}
    assert lab.run(["r", "s"], earlier)["c"].data["r"] == {"items": ["r.0", "r.1", "r.2"], "lost": []}
    assert set(lab.books.outcomes) - lab.books.replays == {"b/r.1", "m/r.1", "c/r", "c/s"}
    assert lab.books.outcomes["c/s"].basis == earlier["c/s"].basis
    assert lab.books.outcomes["c/r"].basis != earlier["c/r"].basis


def test_what_rests_on_data_that_are_others_now_is_made_anew():
    """Under the same id."""
    version = 1

    async def versioned(item, context):
        return {"version": version}

    lab = Lab("[{name: a, kind: map, step: versioned}, {name: b, kind: map, step: same, needs: [a]}]", locals() | STEPS)
    lab.run(["r", "s"])
    version = 2
    earlier = {name: outcome for name, outcome in lab.books.outcomes.items() if name != "a/r"}
    assert lab.run(["r", "s"], earlier)["b"].data == {"r": {"version": 2}, "s": {"version": 1}}
    assert lab.books.replays == {"a/s", "b/s"}


KINDS = ("map", "expand", "reduce", "select")


@st.composite
def graphs(draw):
    """Phases p0, p1 …: each needs earlier ones; a select gathers an expand phase, a map phase or none in between."""
    phases = [{"name": "p0", "kind": "expand", "step": "expand"}]
    gatherable = {"p0": "p0"}  # phase -> the expand phase that its items can be gathered for
    for n in range(1, draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(KINDS))
        names = [phase["name"] for phase in phases]
        phase = {"name": f"p{n}", "kind": kind, "step": kind}
        if kind == "select":
            need = draw(st.sampled_from(sorted(gatherable)))
            phase |= {"needs": [need], "of": gatherable[need]}
        elif kind == "reduce":
            phase["needs"] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        else:
            phase["needs"] = [draw(st.sampled_from(names))]
            if kind == "expand":
                gatherable[phase["name"]] = phase["name"]
            elif phase["needs"][0] in gatherable:
                gatherable[phase["name"]] = gatherable[phase["needs"][0]]
        phases.append(phase)
    return phases


def _chance(*parts) -> int:
    """From 0 to 15; the same for the same."""
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[0] % 16


def _random_steps(seed: int, timing: int) -> dict:  # noqa: C901  # four steps
    """Steps that fail now and then, the same whoever is first, and take their time differently with each `timing`."""

    async def pause(*parts):
        for _ in range(_chance(timing, *parts) // 3 if timing else 0):
            await asyncio.sleep(0)

    async def map_(item, context):
        await pause("map", item.id)
        if _chance(seed, "map", item.id, len(item.data)) == 0:
            raise ValueError("a bug")
        return {**item.data, f"more{len(item.data)}": 1}

    async def expand(item, context):
        for n in range(_chance(seed, "many", item.id) % 4):
            await pause("expand", item.id, n)
            chance = _chance(seed, "part", item.id, n)
            if chance == 0:
                raise ValueError("a bug")
            yield Lost(f"{item.id}.{n}", "", "unreadable", {}) if chance == 1 else Item(f"{item.id}.{n}", {"n": n})

    async def select(group, context):
        await pause("select", group.parent.id)
        if _chance(seed, "select", group.parent.id) == 0:
            raise ValueError("a bug")
        return await whole(group, context)

    async def reduce_(streams, context):
        ids = [[stream.phase, [one.id for one in stream.items], [one.id for one in stream.lost]] for stream in streams]
        if _chance(seed, "reduce", json.dumps(ids)) == 0:
            raise ValueError("a bug")
        return [Item(f"{place}", {"of": one}) for place, one in enumerate(ids)]

    return {"map": map_, "expand": expand, "select": select, "reduce": reduce_}


def _told(lab: Lab, found: dict) -> dict:
    """All that can be seen of a run, but its times."""
    outcomes = {name: (one.status, one.reason, one.basis, one.outputs) for name, one in lab.books.outcomes.items()}
    streams = {
        name: (one.items, [(lost.id, lost.phase, lost.reason) for lost in one.lost]) for name, one in found.items()
    }
    return {"outcomes": outcomes, "streams": streams, "skips": lab.books.skips, "gifts": lab.books.gifts}


def _check_sums(phases: list, lab: Lab, found: dict, records: list) -> None:
    """Every unit that had to come ended once, and everything that came in went out."""
    by_name = {phase["name"]: phase for phase in phases}
    ends: dict[str, list] = {name: [] for name in by_name}
    for name, outcome in lab.books.outcomes.items():
        phase, _, unit = name.partition("/")
        ends[phase].append((unit, outcome))
    for name, phase in by_name.items():
        gave, units = found[name], dict(ends[name])
        if phase["kind"] == "reduce":
            assert list(units) == ["all"]
            continue
        came = found[phase["needs"][0]] if "needs" in phase else None
        if phase["kind"] == "select":
            lost_before = len(came.lost) - sum(len(one.data["lost"]) for one in gave.items)
            failed = sum(outcome.status == "failed" for outcome in units.values())
            assert len(gave.items) + failed == len(units)
            gathered = [i for one in gave.items for i in one.data["items"]]
            assert len(gathered) == len(set(gathered))
            assert set(gathered) <= set(came.ids)
            if not failed:
                assert sorted(gathered) == sorted(came.ids)
                assert len(gave.lost) == lost_before
            continue
        assert set(units) == (set(came.ids) if came else set(records))
        lost = len(came.lost) if came else 0
        assert lab.books.skips[name] == lost
        if phase["kind"] == "map":
            assert len(gave.items) + len(gave.lost) == len(units) + lost
            assert len(gave.lost) == lost + sum(one.status == "failed" for one in units.values())


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3), st.integers(1, 6), st.data())
def test_any_graph_gives_the_same_however_it_is_run(phases, seed, records, room, places, data):
    names = [f"r{n}" for n in range(records)]
    text = json.dumps(phases)
    plain = Lab(text, _random_steps(seed, 0), room=1000, places=100)
    found = plain.run(names)
    _check_sums(phases, plain, found, names)
    told = _told(plain, found)

    other = Lab(text, _random_steps(seed, 1 + seed), room=room, places=places)
    assert _told(other, other.run(names)) == told

    keys = sorted(plain.books.outcomes)
    kept = data.draw(st.sets(st.sampled_from(keys)))
    resumed = Lab(text, _random_steps(seed, 2 + seed), room=room, places=places)
    assert _told(resumed, resumed.run(names, {key: plain.books.outcomes[key] for key in kept})) == told
    again = {
        key for key in kept if key.partition("/")[0] in {p["name"] for p in phases if p["kind"] in {"map", "expand"}}
    }
    assert resumed.books.replays == again
