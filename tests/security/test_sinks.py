"""Two hundred hostile texts through every way out: streams, logs, tables, CSV, JSON, Markdown, SVG."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from e2e_support import Shell
from faulty_server import FAULTS, FaultyServer, Seen, status
from hostile_text import CORPUS, FORMULAS, assert_shown_safely
from injections import DATA

from igent.config.locate import find_constellation
from igent.errors import ConfigError
from igent.reporting.chart import chart
from igent.reporting.comparison import Comparison, Figures, Row, comparison_table, markdown
from igent.reporting.plain import PlainFormatter, csv_cell, json_text, one_line, plain_lines
from igent.reporting.table import render
from igent.workflows.cli import main
from igent.workflows.cli_options import write_logs

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ igent[.\w]*: |    ")
FIGURES = Figures(1, 0, 0, 1.0, 0.1, 0.2, 1.0, 2.0, 3.0, 4.0, 5.0, 0.001, 0.5, 1, 0)
forks = pytest.mark.skipif(sys.platform == "win32", reason="forks processes")


def streams(shell: Shell) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (shell.folder.parent / "streams").iterdir()}


def assert_log_is_whole(text: str) -> None:
    """Each line is a record of igent's own, or belongs to the one before it."""
    assert_shown_safely(text)
    assert all(LOG_LINE.match(line) for line in text.splitlines()), text[:500]
    assert not any(line.startswith("2026-11-25 ") and "100 records done" in line[:70] for line in text.splitlines())


def hostile_data(folder: Path) -> list[str]:
    """A data folder in which ids, suppliers, products and values are of the corpus. Returns the ids."""
    # Of half a surrogate pair no request can be made: such a record fails.
    # What stands around an id is taken off it.
    texts = dict.fromkeys(text.strip() for text in CORPUS)
    ids = [text for text in texts if text and not re.search("[\ud800-\udfff]", text)]
    names = ("registrations_overlap_only.json", "offers.json", "incentives.json")
    rows, offers, incentives = (json.loads((DATA / name).read_text("utf-8")) for name in names)
    rows = [dict(rows[number % len(rows)]) for number in range(len(ids))]
    for number, (row, text) in enumerate(zip(rows, ids, strict=True)):
        row["RegistrationNumber"] = text
        if number % 5 == 0:
            row["Contact_Zip"] = text
        if number % 5 == 1:
            row["Product_RoofPitch"] = row["Product_PaymentType"] = text
    for supplier, text in zip(offers["SupplierOffers"], CORPUS[::7], strict=False):
        supplier["SupplierID"] = f"{supplier['SupplierID']} {text}"[:300]
        supplier["Offers"][0]["ProductName"] = text
    (folder / "scenarios").mkdir(parents=True)
    (folder / "scenarios" / "overlap_only.yaml").write_bytes((DATA / "scenarios" / "overlap_only.yaml").read_bytes())
    for name, value in zip(names, (rows, offers, incentives), strict=True):
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    return ids


@forks
def test_ids_suppliers_and_values_of_records(shell: Shell):
    ids = hostile_data(shell.folder / "data")
    assert len(ids) >= 150
    command = ("p1m1m2c", "--mock", "--mock-errors", "0.5", "--data", "data", "--scenario", "overlap_only")
    shell.start(*command, "--out", "run", "-v", "--log-file", "log").wait()
    shell.start("report", "run", module="igent").wait()
    shell.start("report", "run", "--json", module="igent").wait()
    shell.start("retry", "run", "-v", module="igent").wait()
    shell.start(*command, "--dry-run").wait()
    shell.start("compare", "p1m", "--mock", "--data", "data", module="igent").wait()
    for name, said in streams(shell).items():
        assert_shown_safely(said)
        assert not [line for line in said.splitlines() if line.startswith(b"igent: internal error")], name
    assert_log_is_whole((shell.folder / "log").read_text("utf-8"))
    run = shell.folder / "run"
    outcomes = [json.loads(line) for line in (run / "outcomes.jsonl").read_bytes().split(b"\n") if line]
    assert [outcome["record_id"] for outcome in outcomes] == ids, "JSON holds them exactly"
    assert {"done", "failed"} <= {outcome["status"] for outcome in outcomes}
    assert all(type(value) is int for value in json.loads((run / "summary.json").read_bytes())["counts"].values()), (
        "numbers stay numbers"
    )
    assert_table_is_harmless(run / "timings.csv", ids)


def assert_table_is_harmless(path: Path, ids: list[str]) -> None:
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))
    assert len(rows) == len(ids) + 1
    for (first, *numbers), text in zip(rows[1:], ids, strict=True):
        expected = text.encode("utf-8", "backslashreplace").decode()
        assert first in {expected, "'" + expected}
        assert not re.match(r"[\s\x00-\x20\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]", first), first
        assert all(re.fullmatch(r"\d+\.\d{6}|", cell) for cell in numbers)


@forks
def test_what_a_provider_says(shell: Shell):
    """In the body of a refusal, each record with a text of its own; in the end the run is refused as a whole."""
    texts = [text for text in CORPUS if len(text) < 2000]
    for number, text in enumerate(texts):
        said = {"error": {"message": f"refused: {text}", "type": text[:50], "code": text[:50]}}
        FAULTS[f"hostile {number}"] = status(401 if number == len(texts) - 1 else 400, said)

    def choose(seen: Seen, count: int) -> str:
        return f"hostile {min(len(server.seen), len(texts)) - 1}"

    with FaultyServer(choose) as server:
        options = ("--concurrency", 1, "--base-url", server.url, "--out", "run", "-v", "--log-file", "log")
        code = shell.start("p1m", *options, IGENT_API_KEY="k").wait()
        assert code in {1, 4}
        shell.start(*("p1m", "--max-items", 1, "--base-url", server.url, "--out", "run2"), IGENT_API_KEY="k").wait()
    shell.start("report", "run", module="igent").wait()
    assert len(server.seen) >= 90
    assert b"refused: " in b"".join(streams(shell).values())
    for said in streams(shell).values():
        assert_shown_safely(said)
    assert_log_is_whole((shell.folder / "log").read_text("utf-8"))


@forks
def test_names_of_models_files_and_folders(shell: Shell):
    for text in CORPUS[::4]:
        word = text[:60].replace("\0", "").encode("utf-8", "replace").decode()
        if not word.strip():
            continue
        (shell.folder / "own.yaml").write_text("name: " + json.dumps(word) + "\n" + json.dumps({"a": word}), "utf-8")
    own = (find_constellation("p1m").read_text("utf-8")).replace("description:", "description_:")
    (shell.folder / "constellations").mkdir()
    hostile = "\x1b[31mred\x1b]0;t\x07\u202e"
    (shell.folder / "constellations" / "p1.yaml").write_text(own, "utf-8")
    (shell.folder / "constellations" / f"{hostile}.yaml").write_text(own, "utf-8")
    said = 'description: "\\e[31mred \\u202e \\x9b31m \\n\\n igent: fine"'
    shown = re.sub(r"(?m)^description:.*$", lambda _: said, find_constellation("p1m").read_text("utf-8"))
    (shell.folder / "constellations" / "p2.yaml").write_text(shown, "utf-8")
    workload = re.sub(
        r"(?m)^workload:.*$", lambda _: 'workload: "a\\e[31m:b"', find_constellation("p1m").read_text("utf-8")
    )
    (shell.folder / "constellations" / "p3.yaml").write_text(workload, "utf-8")
    for arguments in (
        ("list",),
        ("validate",),
        ("validate", "own.yaml"),
        ("validate", hostile),
        ("validate", f"{hostile}.yaml"),
        ("run",),
        ("run", f"constellations/{hostile}.yaml", "--mock"),
        ("run", hostile),
        ("report", hostile),
        ("reset", hostile),
        ("retry", hostile),
        ("run", f"--{hostile}"),
        (hostile,),
        ("run", "p1m", "--concurrency", hostile),
        ("run", "p1m", "--mock", "--max-items", "2", "--model", hostile, "--out", "r1"),
        ("report", "r1"),
        ("report", "r1", "--json"),
        ("run", "p1m", "--mock", "--max-items", "2", "--model", hostile, "--out", "r2", "--json"),
        ("run", "p1m", "--mock", "--max-items", "2", "--out", hostile),
        ("run", "p1m", "--mock", "--scenario", hostile),
        ("run", "p1m", "--mock", "--data", hostile),
        ("run", "p1m", "--base-url", f"http://127.0.0.1:9/{hostile}", "--out", "r3"),
        ("run", "p1m", "--mock", "--critic", hostile),
        ("run", "p1m", "--mock", "--mock-latency", hostile),
        ("run", "p2", "--mock", "--max-items", "2", "--dry-run", "--model", hostile),
        ("compare", "p2", "--mock", "--max-items", "2"),
        ("run", "p1m", "--mock", "--log-file", f"no/{hostile}"),
        ("run", "p1m", "--mock", "--profile", f"no/{hostile}"),
    ):
        shell.start(*arguments, module="igent").wait()
    for name, text_ in streams(shell).items():
        assert_shown_safely(text_)
        assert b"Traceback" not in text_, name
        assert b"internal error" not in text_, text_


@pytest.mark.parametrize("number", range(0, len(CORPUS), 10))
def test_a_log_line_is_one_line_and_a_traceback_is_indented(number: int):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("igent.test_sinks")
    logger.addHandler(handler)
    logger.propagate = False
    for text in CORPUS[number : number + 10]:
        stream.seek(0)
        stream.truncate()
        logger.warning("said: %s", text)
        assert stream.getvalue().count("\n") == 1
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception("failed", stack_info=True)
        assert_log_is_whole(stream.getvalue())


def test_the_log_file_of_a_command_is_written_so(tmp_path: Path):
    write_logs(verbose=False, file=tmp_path / "log")
    for text in CORPUS:
        logging.getLogger("igent.record").warning("record %s failed", text)
    assert_log_is_whole((tmp_path / "log").read_text("utf-8"))
    assert (tmp_path / "log").read_bytes().count(b"\n") == len(CORPUS)


def test_json_for_a_stream_is_the_same_value():
    texts = [text.encode("utf-8", "backslashreplace").decode() for text in CORPUS]
    shown = json_text({"texts": texts, "more": "Müller, 東京", "number": 1.5})
    assert_shown_safely(shown)
    assert json.loads(shown) == {"texts": texts, "more": "Müller, 東京", "number": 1.5}
    assert "Müller, 東京" in shown


@pytest.mark.parametrize("text", [*FORMULAS, "\u200b \ufeff=1", "\x0b\x0c=1", "\x00+1"])
def test_no_cell_begins_a_formula(text: str):
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["SPUS40001", "1.5", "12-3", "a=b", "'=1", "é", "", " x"])
def test_other_cells_are_as_they_are(text: str):
    assert csv_cell(text) == text


def test_a_comparison_is_text_wherever_it_is_written():
    texts = [text for text in CORPUS if len(text) < 2000]
    rows = [Row(text, text, FIGURES, {text: FIGURES}) for text in texts]
    compared = Comparison("s\x1b[31m<b>", 1, 1, True, "p\u202e", texts[:9], {}, rows, texts[:20])
    stream = io.StringIO()
    render(comparison_table(compared), stream)
    assert_shown_safely(stream.getvalue())
    page, picture = markdown(compared, "comparison.svg"), chart(compared)
    assert_shown_safely(page)
    assert_shown_safely(picture)
    prose = re.sub(r"`[^`\n]*`", "", page)  # in a code span it is text
    assert not re.search(r"(?<!\\)<\w", prose)
    assert "](http" not in prose.replace("\\]", "")
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(picture).iter()}
    assert tags == {"svg", "title", "desc", "rect", "text", "path"}
    attributes = {name for element in ET.fromstring(picture).iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or "href" in name}


def test_all_are_shown_as_one_plain_line():
    assert len(CORPUS) >= 200
    for text in CORPUS:
        assert_shown_safely(one_line(text))
        assert "\n" not in one_line(text)
        assert_shown_safely(plain_lines(text, "  "))


@pytest.mark.parametrize("name", ["out", "\x1b[31m", "a\u202eb", "a\nb"])
def test_an_error_of_the_command_line_repeats_nothing_that_steers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["run", "p1m", f"--{name}-no-such"])
    assert_shown_safely(capfd.readouterr().err)
    with pytest.raises(ConfigError):
        find_constellation(f"{name}.yaml")
