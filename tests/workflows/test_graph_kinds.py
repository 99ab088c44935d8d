"""Each kind of phase by itself, with steps that do what steps should not."""

from __future__ import annotations

import asyncio
import math
from array import array
from datetime import date
from uuid import UUID

import pytest
from graph_lab import Lab, record

from igent.flow import Item, Lost
from igent.workflows.graph.kinds.embedding import Embedded
from igent.workflows.graph.together import Together
from igent.workflows.graph.units import Result, basis_of

CLEAR = [
    (None, "a NoneType for data: give a dict"),
    ([1], "a list for data: give a dict"),
    ({"x": {1, 2}}, "a set ({1, 2}) at data.x"),
    ({"x": [0.5, math.nan]}, "a float (nan) at data.x[1]"),
    ({"x": math.inf}, "a float (inf) at data.x"),
    ({"x": {"y": date(2026, 1, 2)}}, "a date (datetime.date(2026, 1, 2)) at data.x.y"),
    ({"x": UUID(int=0)}, "a UUID"),
    ({1: "x"}, "a dict ({1: 'x'}) at data"),
    ({"x": Item("a", {})}, "a Item"),
]


@pytest.mark.parametrize(("data", "words"), CLEAR, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("kind", ["map", "expand", "select", "reduce"])
def test_data_that_json_has_no_form_for_fail_their_unit_and_nothing_else(kind, data, words):
    async def bad(value, context):
        return [Item("all", data)] if kind == "reduce" else data if _id(value) == "bad" else {}

    async def bad_parts(item, context):
        yield Item(f"{item.id} part", data if item.id == "bad" else {})

    async def part(item, context):
        yield Item(f"{item.id} part", {})

    before = {
        "select": "{name: parts, kind: expand, step: part}",
        "reduce": "{name: parts, kind: expand, step: part}",
    }.get(kind, "")
    needs = "needs: [parts]" + (", of: parts" if kind == "select" else "") if before else "needs: []"
    lab = Lab(
        f"[{before}{',' * bool(before)} {{name: tried, kind: {kind}, step: bad, {needs}}}]",
        {"bad": bad_parts if kind == "expand" else bad, "part": part},
    )
    given = lab.run(["bad", "good"])["tried"]
    (failed,) = lab.failed().items()
    assert failed[0] == ("tried/all" if kind == "reduce" else "tried/bad")
    assert words in failed[1]
    assert "phase tried" in failed[1]
    assert given.lost_ids == [failed[0].removeprefix("tried/")]
    assert len(given.items) == (0 if kind == "reduce" else 1)


def _id(value) -> str:
    return value.parent.id if hasattr(value, "parent") else getattr(value, "id", "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("text", "gave a str: give an Item"),
        ({"id": "a"}, "gave a dict: give an Item"),
        (Item(7, {}), "gave a int for the id of an item"),
        (Lost("a", "", None, {}), "gave a NoneType for reason of a Lost"),
    ],
)
def test_what_is_no_item_fails_its_unit(given, words):
    async def parts(item, context):
        yield Item("first", {})
        yield given

    async def rows(streams, context):
        return [given]

    lab = Lab("[{name: a, kind: expand, step: parts}, {name: b, kind: reduce, step: rows, needs: [a]}]", locals())
    assert lab.run(["r"])["a"].ids == ["first"]
    assert words in lab.failed()["a/r"]
    if not isinstance(given, Lost):
        assert words in lab.failed()["b/all"]


@pytest.mark.parametrize("gives", [None, 7])
def test_a_reduce_step_that_gives_no_list(gives):
    async def rows(streams, context):
        return gives

    async def same(item, context):
        return {}

    lab = Lab("[{name: a, kind: map, step: same}, {name: b, kind: reduce, step: rows, needs: [a]}]", locals())
    assert lab.run(["r"])["b"].lost_ids == ["all"]
    assert "TypeError" in lab.failed()["b/all"]


def test_a_step_may_go_on_with_what_it_gave():
    async def parts(item, context):
        data = {"n": 0, "deep": [0]}
        for n in range(3):
            data["n"] = data["deep"][0] = n
            yield Item(f"{n}", data)

    given = Lab("[{name: a, kind: expand, step: parts}]", locals()).run(["r"])["a"]
    assert given.data == {f"{n}": {"n": n, "deep": [n]} for n in range(3)}


ODD = {"long": 12345678901234567890123, "half": "\ud800", "pair": [1, [2]], "nothing": None, "text": "é\n~/"}


def test_whatever_json_allows_goes_through_and_comes_back_the_same():
    async def odd(item, context):
        return {**item.data, "pair": (1, (2,))}

    lab = Lab("[{name: a, kind: map, step: odd}, {name: b, kind: map, step: odd, needs: [a]}]", locals())
    first = lab.run([("r", ODD)])["b"].data
    assert first == {"r": ODD}
    again = lab.run([("r", ODD)], lab.books.outcomes)["b"].data
    assert again == first
    assert lab.books.replays == {"a/r", "b/r"}


@pytest.mark.parametrize("name", ["a/b", "a~b", "a\nb", "x" * 10_000, "", "\ud800"])
def test_any_text_may_be_an_id(name):
    async def parts(item, context):
        yield Item(name, {})

    async def whole(group, context):
        return {"parts": [item.id for item in group.items]}

    lab = Lab(
        "[{name: a, kind: expand, step: parts}, {name: b, kind: select, of: a, step: whole, needs: [a]}]", locals()
    )
    assert lab.run([name])["b"].data == {name: {"parts": [name]}}
    assert set(lab.books.outcomes) == {f"a/{name}", f"b/{name}"}


@pytest.mark.parametrize("how", ["fails", "gives no item", "is cancelled"])
def test_what_an_expand_step_holds_is_given_back_at_once(how):
    held: list[str] = []

    async def parts(item, context):
        held.append("open")
        try:
            yield Item("one", {})
            if how == "fails":
                raise ValueError("a bug")
            yield "no item" if how == "gives no item" else Item("two", {})
            await asyncio.Event().wait()
        finally:
            held.remove("open")

    async def go() -> None:
        lab = Lab("[{name: a, kind: expand, step: parts}]", {"parts": parts})
        if how != "is cancelled":
            await lab.go(["r"])
            assert not held
            return
        probe = lab.build(["r"])["a"]
        async with asyncio.TaskGroup() as group:
            group.create_task(lab.feeds[0].give(None or _Clock()))
            node = group.create_task(lab.nodes["a"].run())
            await probe.get()
            await probe.get()
            node.cancel()
        assert not held
        assert lab.gates["cpu"]._slots.taken == 0

    asyncio.run(go())


class _Clock:
    def now(self) -> float:
        return 0.0


WHOLE = "[{name: a, kind: expand, step: parts}, {name: b, kind: select, of: a, step: whole, needs: [a]}]"


async def whole(group, context):
    return {"items": [item.id for item in group.items], "lost": [lost.id for lost in group.lost]}


@pytest.mark.parametrize("first", ["fresh", "resumed"])
@pytest.mark.parametrize(
    ("given", "selected", "lost"),
    [
        ([], {"items": [], "lost": []}, []),
        (["p"], {"items": ["p"], "lost": []}, []),
        (["p", Lost("q", "", "no", {})], {"items": ["p"], "lost": ["q"]}, []),
        (["p", "p"], {"items": ["p"], "lost": ["p"]}, []),
        (["p", ValueError("a bug")], {"items": ["p"], "lost": ["r"]}, []),
        ([ValueError("a bug")], None, ["r"]),
    ],
    ids=["none", "one", "one lost", "one twice", "fails after one", "fails at once"],
)
def test_what_select_gathers(given, selected, lost, first):
    async def parts(item, context):
        for one in given:
            if isinstance(one, Exception):
                raise one
            yield one if isinstance(one, Lost) else Item(one, {})

    lab = Lab(WHOLE, {"parts": parts, "whole": whole})
    found = lab.run(["r"])
    if first == "resumed":
        found = lab.run(["r"], lab.books.outcomes)
        assert "a/r" in lab.books.replays
    assert found["b"].data == ({"r": selected} if selected else {})
    assert found["b"].lost_ids == lost
    assert ("a/r" in lab.failed()) == (given not in ([], ["p"]))


def test_select_waits_for_those_that_are_lost_on_the_way():
    async def parts(item, context):
        for n in range(4):
            yield Item(f"{item.id}{n}", {"n": n})

    async def odd_only(item, context):
        if item.data["n"] % 2 == 0:
            raise ValueError("even")
        return dict(item.data)

    lab = Lab(
        """[{name: a, kind: expand, step: parts}, {name: m, kind: map, step: odd_only, needs: [a]},
        {name: b, kind: select, of: a, step: whole, needs: [m]}]""",
        {"parts": parts, "odd_only": odd_only, "whole": whole},
    )
    found = lab.run(["r", "s"])["b"].data
    assert found == {name: {"items": [f"{name}1", f"{name}3"], "lost": [f"{name}0", f"{name}2"]} for name in "rs"}


def test_a_reduce_step_that_gives_an_id_twice_has_failed_and_the_first_goes_on():
    async def rows(streams, context):
        return [Item("x", {"n": 1}), Item("y", {}), Item("x", {"n": 2})]

    async def same(item, context):
        return {}

    lab = Lab("[{name: a, kind: map, step: same}, {name: b, kind: reduce, step: rows, needs: [a]}]", locals())
    found = lab.run(["r"])["b"]
    assert found.data == {"x": {"n": 1}, "y": {}}
    assert [(lost.id, lost.data) for lost in found.lost] == [("x", {"n": 2})]
    assert "gives the id 'x' twice" in lab.failed()["b/all"]


PAIRS = """[{name: m, kind: map, step: same, where: {side: l}}, {name: n, kind: map, step: same, where: {side: r}},
{name: l, kind: embed, field: t, needs: [m]}, {name: r, kind: embed, field: t, batch: 1, needs: [n]},
{name: p, kind: pair, needs: [l, r]}, {name: b, kind: select, of: p, step: whole, needs: [p]}]"""
SIDES = [("l1", {"side": "l", "t": "a"}), ("l2", {"side": "l", "t": "b"}), ("r1", {"side": "r", "t": "c"})]


async def same(item, context):
    return dict(item.data)


async def _slow_right(texts):
    """The left side has long ended when the right one gives its last."""
    for _ in range(50 if "c" in texts else 0):
        await asyncio.sleep(0)
    return await _vectors(texts)


async def _vectors(texts):
    return Embedded([array("f", [ord(text)]) for text in texts])


class _All:
    """An index of which everything is near."""

    def __init__(self, items) -> None:
        self._items = items

    def nearest(self, item):
        return [(place, 0.5) for place in range(len(self._items))]


@pytest.mark.parametrize("right", [0, 1, 3])
def test_pairs_are_made_of_a_right_side_that_is_complete(right):
    seen = []

    def index(items):
        seen.append([item.id for item in items])
        return _All(items)

    records = [*SIDES[:2], *((f"r{n}", {"side": "r", "t": "c"}) for n in range(right))]
    lab = Lab(PAIRS, {"whole": whole, "same": same}, embed=_slow_right, index=index)
    found = lab.run(records)
    assert seen == [[f"r{n}" for n in range(right)]]
    assert found["b"].data == {
        name: {"items": [f"{name}~r{n}" for n in range(right)], "lost": []} for name in ("l1", "l2")
    }


def test_a_right_side_that_cannot_be_searched_fails_what_is_on_the_left_and_not_the_run():
    def index(items):
        raise ValueError("vectors of two lengths")

    lab = Lab(PAIRS, {"whole": whole, "same": same}, embed=_vectors, index=index)
    found = lab.run(SIDES)
    assert found["b"].lost_ids == ["l1", "l2"]
    assert "vectors of two lengths" in lab.failed()["p/l1"]
    assert set(lab.failed()) == {"p/l1", "p/l2"}


def test_an_embedding_that_breaks_fails_its_batch_and_a_record_without_text_only_itself():
    async def embed(texts):
        if "bad" in texts:
            raise ValueError("no such model")
        return await _vectors([text[:1] for text in texts])

    lab = Lab("[{name: l, kind: embed, field: t, batch: 2}]", embed=embed)
    found = lab.run([("a", {"t": "x"}), ("b", {}), ("c", {"t": "y"}), ("d", {"t": "bad"}), ("e", {"t": "z"})])
    assert found["l"].ids == ["a", "c"]
    assert "no text 't' to embed" in lab.failed()["l/b"]
    assert "no such model" in lab.failed()["l/e"]


class Pairs(Together):
    """Works on two at a time; what it does, `how` says."""

    how = "all"

    async def _work_on(self, batch, tell):
        if self.how == "half":
            batch = batch[:1]
        for place, (flow, _) in enumerate(batch):
            tell(place, Result([Item(flow.item.id, {"many": len(batch)})], outputs={"x": {}}))
            if self.how == "twice":
                tell(place, Result())

    async def _found(self, flow, unit):
        if self.how == "unfound" and flow.item.id == "b":
            raise KeyError("blocks")

    def _restore(self, flow, outcome):
        return Result([flow.item])


def talking(how: str):
    def make(spec, links, runner, gate):
        node = Pairs(spec.name, links, runner, gate, spec.batch, _Clock())
        node.how = how
        return node

    return make


TALK = "[{name: t, batch: 2, agents: [x], output: o, schema: s}]"


@pytest.mark.parametrize(
    ("how", "ids", "words"),
    [
        ("all", {"a": 2, "b": 2, "c": 2, "d": 2, "e": 1}, ""),
        ("half", {"a": 1, "c": 1, "e": 1}, "nothing is told of 1 items of a batch"),
        ("twice", {"a": 2, "c": 2, "e": 1}, "KeyError"),
        ("unfound", {"a": 2, "c": 2, "d": 2, "e": 2}, "KeyError: 'blocks'"),
    ],
)
def test_each_of_a_batch_ends_once(how, ids, words):
    lab = Lab(TALK, converse=talking(how))
    found = lab.run("abcde")["t"]
    assert {name: data["many"] for name, data in found.data.items()} == ids
    assert {name.removeprefix("t/") for name in lab.failed()} == set("abcde") - set(ids)
    assert all(words in reason for reason in lab.failed().values())
    assert sorted(found.ids + found.lost_ids) == list("abcde")


def test_batches_that_wait_to_be_given_on_hold_their_places():
    """Else a quick phase before a slow one would pile up everything."""
    open_ = asyncio.Event
    begun = []

    async def go() -> None:
        let = open_()

        async def slow(item, context):
            begun.append(item.id)
            await let.wait()
            return {}

        lab = Lab(TALK[:-1] + ", {name: m, kind: map, step: slow, needs: [t]}]", locals(), room=1, places=1)
        lab.converse = talking("all")
        taken = 0

        def counted(inbox):
            nonlocal taken
            put = inbox.put

            async def count(message):
                nonlocal taken
                await put(message)
                taken += 1

            inbox.put = count

        probes = lab.build([f"{n}" for n in range(200)])
        counted(lab.nodes["t"].links.inbox)
        async with asyncio.TaskGroup() as group:
            for feed in lab.feeds:
                group.create_task(feed.give(_Clock()))
            for node in lab.nodes.values():
                group.create_task(node.run())
            for _ in range(3000):
                await asyncio.sleep(0)
            assert taken < 20  # of 200: what is in work, in the queues, and in batches that wait
            let.set()
        assert probes["m"].qsize() == 201

    asyncio.run(go())


def test_a_basis_holds_all_that_matters_and_nothing_else():
    vector = array("f", [0.1, 0.2])
    one = basis_of(Item("a", {"x": 1, "y": [1.5]}, vector))
    assert one == basis_of(Item("a", {"y": [1.5], "x": 1}, array("f", [0.1, 0.2])))
    others = [
        Item("b", {"x": 1, "y": [1.5]}, vector),
        Item("a", {"x": 2, "y": [1.5]}, vector),
        Item("a", {"x": 1, "y": [1.5]}, array("f", [0.1, 0.3])),
        Item("a", {"x": 1, "y": [1.5]}),
    ]
    assert len({one, *map(basis_of, others)}) == 5
    losses = [
        Lost("a", "p", "why", {}),
        Lost("a", "q", "why", {}),
        Lost("a", "p", "how", {}),
        Lost("b", "p", "why", {}),
    ]
    assert len({basis_of(lost) for lost in losses}) == 4
    assert basis_of(Item("a", ODD)) == basis_of(Item("a", dict(reversed(ODD.items()))))
    assert basis_of(Item("a", ODD)) != basis_of(Item("a", {**ODD, "x": 1}))


def test_a_record_with_a_problem_fails_where_it_would_be_worked_on():
    async def same(item, context):
        return {}

    lab = Lab("[{name: a, kind: map, step: same}, {name: b, kind: map, step: same, needs: [a]}]", locals())
    found = lab.run([record("r", 0, "it has no name"), record("s", 1)])
    assert lab.failed() == {"a/r": "it has no name"}
    assert (found["b"].ids, found["b"].lost_ids, lab.books.skips) == (["s"], ["r"], {"a": 1, "b": 1})
