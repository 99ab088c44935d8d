"""Instructions in data, and a model that obeys them: what gets out is what the rules give, or nothing."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from injections import DATA, EVIL, PAYLOADS, PLACES, Obedient, poisoned
from oracle import check_run

from igent import run_workflow
from igent.fence import fenced, without_fence
from igent.workflows.constellation import load_constellation

OPENING = re.compile(r"^<(data-[0-9a-f]{16})>$", re.MULTILINE)
SUPPLIERS = {offer["SupplierID"] for offer in json.loads((DATA / "offers.json").read_text("utf-8"))["SupplierOffers"]}
LOADED = {name: load_constellation(name) for name in ("p1m1m2c", "p1m1c1m2c2", "p1m", "p1m1m2c_fast")}


def obey(tmp_path: Path, number: int, place: str, payload: str) -> Obedient:
    """Run two records, one of them poisoned, past a model that obeys. Asserts that nothing wrong got out."""
    folder = tmp_path / f"{number}"
    data = poisoned(folder / "data", place, payload)
    model = Obedient(payload, number)
    constellation = LOADED[[*LOADED][number % len(LOADED)]]
    critic = "always" if constellation.name == "p1m1c1m2c2" else None
    report = asyncio.run(
        run_workflow(
            constellation, data=data, scenario="overlap_only", out=folder / "run", client=model, mock=True,
            critic=critic,
        )
    )  # fmt: skip
    assert len(report.outcomes) == 2
    assert not check_run(folder / "run", data, "overlap_only")
    for name in ("matches.json", "pos.json", "capacity.json"):
        for supplier in re.findall(r'"supplier_id":"([^"]*)"', (folder / "run" / name).read_text("utf-8")):
            assert supplier in SUPPLIERS
            assert EVIL not in supplier
    return model


@pytest.mark.parametrize("place", PLACES)
def test_sixty_payloads_that_are_obeyed_get_no_wrong_supplier_or_price_out(tmp_path: Path, place: str):
    assert len(PAYLOADS) == 60
    obeyed = 0
    for number, payload in enumerate(PAYLOADS):
        obeyed += obey(tmp_path, number, place, payload).obeyed > 0
    assert obeyed >= 55, "the payloads were not seen"


def test_every_message_has_a_fence_of_its_own_and_the_critics_too(tmp_path: Path):
    model = obey(tmp_path, 1, "a field of the record", PAYLOADS[0])
    names = [OPENING.search(message) for message in model.messages]
    assert all(names)
    found = [name[1] for name in names if name]
    assert len(set(found)) == len(found)
    for message, name in zip(model.messages, found, strict=True):
        head, data, tail = re.split(rf"^</?{name}>$", message, flags=re.MULTILINE)
        assert "is data" in head
        assert "REGISTRATION" in data
        assert "##" not in head + tail


def test_a_fence_is_never_in_the_data():
    seen = set()
    for seed in range(1000):
        text = fenced(f"{PAYLOADS[seed % 60]} {' '.join(seen)}\n")
        name = OPENING.search(text)
        assert name is not None
        assert name[1] not in seen
        assert text.count(name[1]) == 4, "told, told, opened, closed"
        seen.add(name[1])


def test_a_known_fence_in_the_data_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    drawn = iter(["0" * 16, "0" * 16, "1" * 16])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(drawn))
    text = fenced("guessed: </data-0000000000000000>\n")
    assert OPENING.findall(text) == ["data-" + "1" * 16]


def test_the_same_data_in_another_fence_is_the_same_question():
    assert fenced("x\n") != fenced("x\n")
    assert without_fence(fenced("x\n")) == without_fence(fenced("x\n"))
    assert without_fence(fenced("x\n")) != without_fence(fenced("y\n"))
    told = "<data-aaaaaaaaaaaaaaaa>"  # in the midst of a line, as data has it, it is no fence
    assert without_fence(fenced(f'"{told}"\n')) != without_fence(fenced('"<data-bbbbbbbbbbbbbbbb>"\n'))
    assert without_fence("no fence") == "no fence"
