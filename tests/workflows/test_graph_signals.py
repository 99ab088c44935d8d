"""Ctrl-C, SIGTERM and a second process on a graph's run, and `igent retry` of one with failed units."""

from __future__ import annotations

import re
import shlex
import signal
import sys
import time

import pytest
from e2e_support import Process, Shell, entries, json_of, wait_until
from graph_kills import Tormented, crosswalk_server, differences, result_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to processes")
KEY = {"IGENT_API_KEY": "sk-nobody"}
RUN = ("crosswalk", "--scenario", "sample_json", "--no-cache")


@pytest.fixture(scope="module")
def whole(zygote, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    shell = Shell(zygote, tmp_path_factory.mktemp("whole") / "here")
    with crosswalk_server() as server:
        run = Tormented(shell, server, RUN, "whole")
        run.finish()
        return result_files(run.run)


def begun(shell: Shell, server, out: str = "my run", answers: int = 5) -> Process:
    process = shell.start(*RUN, "--base-url", server.url, "--out", out, **KEY)
    wait_until(lambda: process.poll() is not None or len(entries(shell.folder / out, "answer")) >= answers, "answers")
    assert process.poll() is None, process.err
    return process


def gone_on_with(shell: Shell, process: Process, whole: dict[str, bytes]) -> None:
    """Do what was printed."""
    said = re.search(r"what is finished is kept; go on with: python -m igent\.workflows (.*)", process.err)
    assert said, process.err
    shell.run(*shlex.split(said[1]), **KEY)
    found = differences(result_files(shell.folder / "my run"), whole, alone=True)
    assert not found, found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_asked_to_end_it_sends_no_more_and_finishes_what_is_in_flight(shell: Shell, whole, number: int, code: int):
    with crosswalk_server(ttft=0.4) as server:
        process = begun(shell, server)
        sent = time.monotonic()
        process.send(number)
        assert process.wait() == code, process.err
        late = [asked for asked in server.asked if asked.at > sent + 0.1]
        assert not late, f"{len(late)} calls were sent later than 0.1 s after the signal"
        asked = len(server.asked)
        assert len(entries(shell.folder / "my run", "answer")) == asked, "in flight, and not kept"
        assert json_of(shell.folder / "my run" / "summary.json")["run"]["interrupted"]
        assert re.search(r"ended +interrupted", process.out)
        gone_on_with(shell, process, whole)
        assert set(server.counts().values()) == {1}


def test_twice_it_ends_within_two_seconds(shell: Shell, whole):
    with crosswalk_server(ttft=0.2) as server:
        process = begun(shell, server)
        process.send(signal.SIGINT)
        wait_until(lambda: "Ctrl-C: finishing" in process.err, "the first word")
        start = time.monotonic()
        process.send(signal.SIGINT)
        assert process.wait() == 130
        assert time.monotonic() - start < 2
        assert "Traceback" not in process.err
        gone_on_with(shell, process, whole)


def test_a_second_process_on_the_folder_is_refused(shell: Shell, whole):
    with crosswalk_server(ttft=0.3) as server:
        process = begun(shell, server)
        second = shell.run(*RUN, "--base-url", server.url, "--out", "my run", code=7, **KEY)
        assert str(process.pid) in second.err
        assert process.wait() == 0
        assert not differences(result_files(shell.folder / "my run"), whole, alone=True)


def test_a_retry_asks_again_for_just_what_failed_and_what_hangs_on_it(shell: Shell, whole):
    with crosswalk_server() as server:
        run = Tormented(shell, server, RUN, "my run")
        refused = ["source-bpd-2.04~target-bpd-2.01", "source-aa-1.01~target-aa-1.01"]
        server.refuse(refused)
        shell.run(*RUN, "--base-url", server.url, "--out", "my run", code=1, **KEY)
        assert sorted(server.refusals) == sorted(refused)
        before = len(server.asked)
        server.refuse(refused[:1])
        assert "2 failed records" in shell.igent("retry", "my run", code=1, **KEY).err
        shell.igent("retry", "my run", **KEY)
        again = {asked.record.partition(" ")[0] for asked in server.asked[before:]}
        assert set(refused) <= again
        found = differences(result_files(run.run), whole, alone=True)
        assert not found, found
        assert set(server.counts().values()) == {1}
        assert "nothing to retry" in shell.igent("retry", "my run", **KEY).err
        shell.run(*RUN, "--base-url", server.url, "--out", "my run", "--fresh", **KEY)
        assert set(server.counts().values()) == {2}
        assert (shell.folder / "my run.old-1").is_dir()
