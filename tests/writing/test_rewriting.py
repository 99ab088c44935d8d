"""View files: each time what a first writing would give, in one pass, and what is settled is only copied."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from random import Random

import pytest
from writing_support import Book, outcome

from igent.disk import SYSTEM_DISK
from igent.errors import RunFolderError
from igent.outcome import Outcome
from igent.writing.rewriting import View, ViewFiles
from igent.writing.staged import StagedFile

EVEN = View(
    lambda o: o.record_id.encode() if o.index % 2 == 0 else None, head=b"<", between=b"|", tail=b">", empty=b"none"
)
TABLE = View(lambda o: b"%d\n" % o.index, head=b"index\n")


class Counted:
    """A view that knows of which outcomes it was asked for lines."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.view = View(self.line)

    def line(self, one: Outcome) -> bytes:
        self.asked.append(one.index)
        return b"%d\n" % one.index


def test_head_lines_and_tail(tmp_path: Path) -> None:
    book = Book(tmp_path)
    files = ViewFiles(tmp_path, {"even": EVEN, "table": TABLE})

    def contents() -> tuple[str, str]:
        files.replace(book.outcomes, {})
        return (tmp_path / "even").read_text(), (tmp_path / "table").read_text()

    assert contents() == ("none", "index\n")
    book.add_all([1])
    assert contents() == ("none", "index\n1\n")
    book.add_all([2, 0, 3])
    assert contents() == ("<r0|r2>", "index\n0\n1\n2\n3\n")
    book.add_all([4])
    assert contents() == ("<r0|r2|r4>", "index\n0\n1\n2\n3\n4\n")


@pytest.mark.parametrize("seed", range(10))
def test_every_writing_is_as_if_it_were_the_first(tmp_path: Path, seed: int) -> None:
    random, book = Random(seed), Book(tmp_path)
    left = [place + random.randrange(8) for place in range(60)]  # nearly in order, as records settle
    order = sorted(range(60), key=lambda index: (left[index], index))
    files = ViewFiles(tmp_path, {"even": EVEN, "table": TABLE})
    while order:
        count = random.randrange(1, 12)
        book.add_all(order[:count])
        del order[:count]
        written = files.replace(book.outcomes.copy(), {"other": b"12345"})
        fresh = tmp_path / "fresh"
        fresh.mkdir(exist_ok=True)
        assert ViewFiles(fresh, {"even": EVEN, "table": TABLE}).replace(book.outcomes, {"other": b"12345"}) == written
        for name in ("even", "table", "other"):
            assert (tmp_path / name).read_bytes() == (fresh / name).read_bytes()
        assert sum((fresh / name).stat().st_size for name in os.listdir(fresh)) == written


def test_what_is_settled_is_not_asked_for_again(tmp_path: Path) -> None:
    book, counted = Book(tmp_path), Counted()
    files = ViewFiles(tmp_path, {"view": counted.view})
    book.add_all([0, 1, 2, 4])
    files.replace(book.outcomes.copy(), {})
    book.add_all([3, 5])
    files.replace(book.outcomes.copy(), {})
    book.add_all([6])
    files.replace(book.outcomes.copy(), {})
    assert counted.asked == [0, 1, 2, 4, 3, 4, 5, 6]
    assert (tmp_path / "view").read_text() == "0\n1\n2\n3\n4\n5\n6\n"


@pytest.mark.parametrize("meddle", ["change", "replace", "delete"])
def test_a_file_that_somebody_else_touched_is_made_anew(tmp_path: Path, meddle: str) -> None:
    book = Book(tmp_path)
    book.add_all(range(3))
    files = ViewFiles(tmp_path, {"table": TABLE, "even": EVEN})
    files.replace(book.outcomes.copy(), {})
    path = tmp_path / "table"
    if meddle == "change":
        path.write_text("index\n7\n7\n7\n")
    elif meddle == "replace":
        (tmp_path / "new").write_text(path.read_text().replace("0", "7"))
        (tmp_path / "new").replace(path)
    else:
        path.unlink()
    book.add_all([3])
    files.replace(book.outcomes.copy(), {})
    assert path.read_text() == "index\n0\n1\n2\n3\n"
    assert (tmp_path / "even").read_text() == "<r0|r2>"


def test_a_view_that_fails_leaves_all_files_as_they_were(tmp_path: Path) -> None:
    book = Book(tmp_path)
    book.add_all(range(2))

    def fails(one: Outcome) -> bytes:
        if one.index == 2:
            raise RunFolderError("no line")
        return b"x"

    files = ViewFiles(tmp_path, {"table": TABLE, "fails": View(fails)})
    files.replace(book.outcomes.copy(), {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != book.path}
    book.add_all([2])
    with pytest.raises(RunFolderError, match="no line"):
        files.replace(book.outcomes.copy(), {"other": b""})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != book.path} == before


def test_a_staged_file_that_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with StagedFile(tmp_path / "file") as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"
    with StagedFile(tmp_path / "file") as file:
        file.copy(2)
        file.write(b"d one")
        state = file.commit()
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old one"
    assert state == SYSTEM_DISK.state(tmp_path / "file")
    assert SYSTEM_DISK.state(tmp_path / "none") is None


def test_it_is_synced_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("sync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("rename"), rename(*paths)))
    with StagedFile(tmp_path / "file") as file:
        file.write(b"new")
        file.commit()
    assert done == ["sync", "rename", "sync"]


@pytest.mark.parametrize("step", ["open", "copy", "commit"])
def test_a_refusing_disk_is_named_with_its_errno(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(errno.EDQUOT, "Quota exceeded")

    if step == "open":
        with pytest.raises(RunFolderError, match=r"none/file: cannot be written: .*errno 2"):
            StagedFile(tmp_path / "none" / "file")
        return
    with StagedFile(path) as file:
        if step == "copy":
            with pytest.raises(RunFolderError, match="cut off meanwhile"):
                file.copy(4)
        else:
            monkeypatch.setattr(os, "fsync", refuse)
            with pytest.raises(RunFolderError, match=rf"file: cannot be written: Quota exceeded .errno {errno.EDQUOT}"):
                file.commit()
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_text() == "old"


def test_the_outcomes_are_read_once_for_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(tmp_path)
    book.add_all(range(5))
    reads: list[int] = []
    at = type(book.outcomes).at
    monkeypatch.setattr(type(book.outcomes), "at", lambda self, index: (reads.append(index), at(self, index))[1])
    ViewFiles(tmp_path, {"a": TABLE, "b": EVEN, "c": TABLE}).replace(book.outcomes, {})
    assert reads == [0, 1, 2, 3, 4]
    assert outcome(0) == at(book.outcomes, 0)
