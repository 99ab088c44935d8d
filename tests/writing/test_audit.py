"""conversations.jsonl after a kill: only the lines of records that have an outcome, and only whole ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from igent.errors import RunFolderError
from igent.writing.audit import Pruned, audit_line, prune

LINES = [audit_line(f"r{n % 3}", role="user", content=f"{n} ü\n") for n in range(9)]


def test_drops_the_lines_of_other_records_and_keeps_the_order(tmp_path: Path) -> None:
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(b"".join(LINES))
    assert prune(path, {"r0", "r2"}) == Pruned(kept=6, dropped=3)
    assert path.read_bytes() == b"".join(line for n, line in enumerate(LINES) if n % 3 != 1)


def test_torn_at_every_byte_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "conversations.jsonl"
    whole = b"".join(LINES[:3])
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        prune(path, {"r0", "r1", "r2"})
        assert path.read_bytes() == whole[: whole[:cut].rfind(b"\n") + 1]


@pytest.mark.parametrize("line", [b"\n", b"garbage\n", b"[]\n", b'{"record_id":7}\n', b"\xff\n", b'{"role":"user"}\n'])
def test_lines_of_no_record_are_dropped(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(LINES[0] + line + LINES[3])
    assert prune(path, {"r0"}) == Pruned(kept=2, dropped=1)
    assert path.read_bytes() == LINES[0] + LINES[3]


def test_nothing_to_drop_rewrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(b"".join(LINES))
    monkeypatch.setattr(os, "replace", None)
    assert prune(path, {"r0", "r1", "r2"}) == Pruned(kept=9, dropped=0)
    assert prune(tmp_path / "missing", {"r0"}) == Pruned(0, 0)
    assert not (tmp_path / "missing").exists()


def test_what_cannot_be_rewritten_is_ours_and_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(b"".join(LINES))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match=r"conversations.jsonl: cannot be pruned: .*errno 28"):
        prune(path, {"r0"})
    assert path.read_bytes() == b"".join(LINES)
    assert os.listdir(tmp_path) == ["conversations.jsonl"]
