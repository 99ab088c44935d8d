"""A graph's run whose journal was torn, and one whose disk refuses: each is gone on with, and ends as if nothing had
been. IGENT_NIGHTLY=1 cuts at every byte and refuses every operation."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import shutil
from pathlib import Path

import pytest
from disk_kit import Operation, WatchedDisk
from graph_kit import make_folder
from run_kit import NIGHTLY

from igent.config.settings import load_settings
from igent.disk import SYSTEM_DISK, Disk
from igent.errors import IgentError, RunFolderError
from igent.workflows.constellation import load_constellation
from igent.workflows.run import Workflow

FILES = ("outcomes.jsonl", "table.json", "verdicts.json", "choices.json")
CODES = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EROFS)


class Toy:
    """The toy graph, and the files of a run that nothing happened to."""

    def __init__(self, folder: Path) -> None:
        path = make_folder(folder / "here")
        self.data, self.constellation = path.parents[1] / "data", load_constellation(str(path))
        self.run = folder / "whole"
        self.go(self.run)
        self.files = self.results(self.run)

    def go(self, out: Path, disk: Disk = SYSTEM_DISK) -> None:
        settings = load_settings(mock=True, data=self.data, out=out, cache=False)
        asyncio.run(Workflow(self.constellation, settings, disk=disk).run())

    @staticmethod
    def results(out: Path) -> dict[str, bytes]:
        return {name: (out / name).read_bytes() for name in FILES}

    def check(self, out: Path) -> None:
        assert self.results(out) == self.files
        assert not [path for path in out.iterdir() if path.name.endswith(".tmp")]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return Toy(tmp_path_factory.mktemp("toy"))


def test_cut_wherever_it_is_gone_on_with_to_the_same_end(tmp_path: Path, toy: Toy):
    data = (toy.run / "journal.jsonl").read_bytes()
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    spread = range(0, len(data), 1 if NIGHTLY else len(data) // 110)
    cuts = sorted({*spread, *ends, *(end - 1 for end in ends)})
    assert len(cuts) > 200
    for at in cuts:
        out = tmp_path / "run"
        shutil.copytree(toy.run, out)
        (out / "journal.jsonl").write_bytes(data[:at])
        toy.go(out, WatchedDisk(durable=False))
        toy.check(out)
        whole = data[: data.rfind(b"\n", 0, at) + 1]
        assert (out / "journal.jsonl").read_bytes().startswith(whole), "a line that was whole is gone"
        shutil.rmtree(out)


class Refusing:
    """Refuses the k-th operation that changes something."""

    def __init__(self, k: int, code: int, *, syncs: bool) -> None:
        self._left, self._code, self._syncs = k, code, syncs
        self.hit: Operation | None = None

    def __call__(self, operation: Operation) -> None:
        wanted = operation.kind.startswith("sync") if self._syncs else operation.kind not in {"remove", "state"}
        if self.hit is not None or not wanted or operation.name == "run.pid":
            return
        self._left -= 1
        if self._left == 0:
            self.hit = operation
            raise OSError(self._code, os.strerror(self._code), operation.name)


@pytest.mark.parametrize("syncs", [False, True], ids=["any operation", "a sync"])
def test_a_disk_that_refuses_is_told_of_and_the_run_goes_on_later(tmp_path: Path, toy: Toy, syncs: bool):
    step, met = (1 if NIGHTLY or syncs else 4), 0
    for k in itertools.count(1, step):
        out = tmp_path / f"{k}" / "run"
        fault = Refusing(k, errno.EIO if syncs else CODES[k // step % len(CODES)], syncs=syncs)
        error: IgentError | None = None
        try:
            toy.go(out, WatchedDisk(before=fault, durable=False))
        except IgentError as caught:
            error = caught
        if fault.hit is None:
            break
        met += 1
        assert isinstance(error, RunFolderError), f"{fault.hit}: {error!r}"
        assert str(out) in str(error)
        assert "errno" in str(error)
        toy.go(out, WatchedDisk(durable=False))
        toy.check(out)
    assert met > 15
