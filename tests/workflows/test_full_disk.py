"""A disk that is really full: small tmpfs mounts, which only root may make, and /dev/full. The run says which file and
why, keeps what it acknowledged, and the same command finishes it once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import Shell, entries, final_files, oracle

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
KB = 1024
RECORDS = 60
SIZES = [(64, 0), (128, 0), (256, 0), (512, 0), (768, 0), (1024, 400), (1024, 800), (4096, 3300), (4096, 3900)]
"""Of the disk, and what others have taken of it, in KB: what is left is less than the run needs."""


class Mount:
    """A tmpfs of a size of one's choosing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def size(self, kilobytes: int, *, first: bool = False) -> None:
        options = f"size={kilobytes}k" if first else f"remount,size={kilobytes}k"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], check=True, capture_output=True)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    made = Mount(tmp_path / "small")
    made.folder.mkdir()
    try:
        made.size(64, first=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a tmpfs here")
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", made.folder], check=True)


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    shell = Shell(zygote, tmp_path_factory.mktemp("whole") / "here")
    shell.run("p1m1m2c", "--mock", "--max-items", RECORDS, "--out", "whole")
    return final_files(shell.folder / "whole")


@pytest.mark.parametrize(("kilobytes", "taken"), SIZES)
def test_a_full_disk_is_told_and_costs_nothing_that_was_kept(shell: Shell, mount: Mount, whole, kilobytes, taken):
    command = ("p1m1m2c", "--mock", "--max-items", RECORDS, "--concurrency", 5, "--out", mount.folder / "run")
    mount.size(kilobytes)
    (mount.folder / "of-others").write_bytes(bytes(taken * KB))
    refused = shell.run(*command, code=2)
    assert "No space left on device (errno 28)" in refused.err
    assert str(mount.folder / "run") in refused.err
    assert "make room" in refused.err
    run = mount.folder / "run"
    kept = {entry["record_id"]: entry for entry in entries(run, "outcome")}
    shell.run(*command, code=2)  # still no room: nothing gets worse
    assert {entry["record_id"]: entry for entry in entries(run, "outcome")}.items() >= kept.items()
    mount.size(64 * KB)
    shell.run(*command)
    assert {entry["record_id"]: entry for entry in entries(run, "outcome")}.items() >= kept.items()
    assert len(entries(run, "outcome")) == RECORDS
    assert final_files(run) == whole
    assert not list(run.glob(".*.tmp"))
    oracle(run, max_items=RECORDS)


def test_a_disk_with_just_enough_room_is_no_error(shell: Shell, mount: Mount, whole):
    mount.size(4 * KB)
    shell.run("p1m1m2c", "--mock", "--max-items", RECORDS, "--out", mount.folder / "run")
    assert final_files(mount.folder / "run") == whole


@pytest.mark.parametrize("name", ["journal.jsonl", "conversations.jsonl"])
@pytest.mark.parametrize("device", ["/dev/full", "/dev/zero", "pipe"])
def test_what_is_no_regular_file_is_refused_not_waited_for(shell: Shell, name: str, device: str):
    run = shell.folder / "run"
    shell.run("p1m1m2c", "--mock", "--max-items", 1, "--out", "run")
    kept = (run / name).rename(shell.folder / name)
    if device == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).symlink_to(device)
    refused = shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run", code=2)
    assert name in refused.err
    assert "errno" in refused.err
    kept.replace(run / name)
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run")
    oracle(run, max_items=3)


@pytest.mark.parametrize("command", [("report", "run"), ("list",), ("validate",)])
def test_an_output_that_takes_nothing_is_told(shell: Shell, command: tuple[str, ...]):
    shell.run("p1m1m2c", "--mock", "--max-items", 3, "--out", "run", "-q")
    refused = shell.igent(*command, code=2, stdout="/dev/full")
    assert "standard output: cannot be written: No space left on device (errno 28)" in refused.err
