"""Planted keys and personal data are in no artefact, on no stream, in no log and in no error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from e2e_support import Shell, copy_data, edit_json, lines_of
from faulty_server import FAULTS, FaultyServer, Seen, status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")

KEYS = {
    "openai": "sk-Zk3v9TqLw8Xc2BnM5rYp7H",
    "project": "sk-proj-Qw4_eR7tY1uI-oP9aS2dF5gH8jK",
    "anthropic": "sk-ant-api03-zX8cV3bN6mQ1wE4rT7yU",
    "azure": "0f9e8d7c6b5a49382716253443526170",
    "aws": "AKIAQ7ZK3MWV9TXB2L5N",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ",
    "google": "AIzaSyPlantedPlantedPlantedPlanted0123",
    "opaque": "Gx7-planted~key+with/all.sorts=",
}
PERSON = (
    "Wilhelmina Plantagenet",
    "wilhelmina@planted.example",
    "+1-217-555-0188",
    "DE89370400440532013000",
    "7 Plant Rd",
)


def everything(shell: Shell) -> dict[str, bytes]:
    """Every file that igent wrote, and both streams of every command."""
    inputs = shell.folder / "data"
    return {
        str(path): path.read_bytes()
        for path in shell.folder.parent.rglob("*")
        if path.is_file() and inputs not in path.parents
    }


def assert_nowhere(shell: Shell, *secrets: str, but: tuple[str, ...] = ()) -> None:
    files = {name: data for name, data in everything(shell).items() if not name.endswith(but or ("\0",))}
    assert len(files) > 2
    for secret in secrets:
        shapes = (secret, json.dumps(secret)[1:-1])
        found = [name for name, data in files.items() if any(shape.encode() in data for shape in shapes)]
        assert not found, f"{secret} is in {found}"


def echoing(key: str, number: int) -> Any:
    """A refusal that shows the key, in its body and in a header."""
    said = f"Incorrect API key provided: {key}. (Authorization: Bearer {key}) You can find yours in the console."
    return status(number, {"error": {"message": said, "type": "x", "code": "x"}}, X_Echo=key, WWW_Authenticate=key)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("number", [401, 400, 500])
def test_a_key_that_the_endpoint_echoes_is_shown_nowhere(shell: Shell, kind: str, number: int):
    key = KEYS[kind]

    def choose(seen: Seen, count: int) -> str:
        return "echo" if len(server.seen) > 4 else ""

    FAULTS["echo"] = echoing(key, number)
    with FaultyServer(choose) as server:
        options = (
            "--max-items",
            6,
            "--concurrency",
            2,
            "--base-url",
            server.url,
            "--out",
            "run",
            "-v",
            "--log-file",
            "log",
        )
        name = shell.folder / "own.yaml"
        name.write_text(constellation(), encoding="utf-8")
        ended = shell.start(name, *options, IGENT_API_KEY=key)
        assert ended.wait() == (4 if number == 401 else 1), ended.err
    assert {seen.head.partition("Authorization: ")[2].partition("\r")[0] for seen in server.seen} == {f"Bearer {key}"}
    shell.igent("report", "run")
    assert "[key]" in "".join(map(str, everything(shell).values()))
    assert_nowhere(shell, key)


def constellation() -> str:
    shipped = (Path(__file__).parents[2] / "constellations" / "p1m1_p2m2.yaml").read_text("utf-8")
    return shipped.partition("\nrun:")[0] + "\nrun: {max_attempts: 1, max_retry_seconds: 1}\n"


@pytest.mark.parametrize(
    "url", ["http://me:{}@127.0.0.1:9/v1", "http://{}@127.0.0.1:9/v1", "http://127.0.0.1:9/v1?key={}", "http://[{}"]
)
def test_a_key_in_the_address_is_shown_nowhere(shell: Shell, url: str):
    key = "Zk3v9TqLw8Xc2BnM5rYp7H"
    shell.start("p1m1m2c", "--max-items", 1, "--base-url", url.format(key), "--out", "run", "-v").wait()
    shell.start("doctor", "--base-url", url.format(key), "--call", "m", module="igent").wait()
    assert_nowhere(shell, key)


def test_keys_in_the_environment_are_shown_nowhere(shell: Shell):
    env = {
        "OPENAI_API_KEY": KEYS["openai"], "IGENT_API_KEY": KEYS["opaque"], "AWS_ACCESS_KEY_ID": KEYS["aws"],
        "AZURE_OPENAI_API_KEY": KEYS["azure"], "OPENAI_ORG_ID": "org-planted", "GOOGLE_API_KEY": KEYS["google"],
    }  # fmt: skip
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--out", "run", "-v", "--log-file", "log", **env)
    shell.igent("doctor", **env)
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--nonsense", code=2, **env)
    assert_nowhere(shell, *env.values())


def test_personal_data_is_only_where_the_conversations_are(shell: Shell):
    """What a record says is in the prompts, and so in conversations.jsonl, which --no-conversations leaves out: never
    in the results, the journal, the log, or on a stream."""
    copy_data(shell.folder / "data", first=4)

    def plant(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row.update(zip(("Name", "Email", "Phone", "Account", "Street"), PERSON, strict=True))
        rows[1]["Contact_Zip"] = None  # its input cannot be used

    edit_json(shell.folder / "data" / "registrations_overlap_only.json", plant)
    command = ("p1m1m2c", "--mock", "--mock-errors", "0.7", "--data", "data", "-v", "--log-file", "log")
    shell.start(*command, "--out", "run").wait()
    shell.igent("report", "run")
    assert len(lines_of(shell.folder / "run" / "outcomes.jsonl")) == 4
    assert_nowhere(shell, *PERSON, but=("conversations.jsonl",))
    shell.start(*command, "--out", "run2", "--no-conversations").wait()
    assert_nowhere(shell, *PERSON, but=("run/conversations.jsonl",))


def test_what_is_written_is_for_its_owner_alone(shell: Shell):
    shell.run("p1m1m2c", "--mock", "--max-items", 2, "--out", "run")
    run = shell.folder / "run"
    assert run.stat().st_mode & 0o077 == 0
    for path in run.iterdir():
        assert path.name == "run.lock" or path.stat().st_mode & 0o077 == 0, path.name
