"""Shows that the tests hold what they say: each naive variant of igent in tests/mutations is made in a copy, and the
test that is named beside it, which passes without it, must fail there.

    python tests/mutants.py [AREA ...]

An entry has `promise` (the row of docs/reliability.md), `what` (the variant in words), `file`, `old` (its text, found
once) and `new`, and `test`. Exits 1 when a variant is not noticed, or no longer fits the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MUTATIONS = ROOT / "tests" / "mutations"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", ".*_cache", ".hypothesis")
LIMIT_SECONDS = 300


def areas() -> list[str]:
    """The names that can be given."""
    return sorted(path.stem for path in MUTATIONS.glob("*.toml"))


def read(area: str) -> list[dict[str, Any]]:
    return tomllib.loads((MUTATIONS / f"{area}.toml").read_text("utf-8"))["mutation"]


def misfit(mutation: dict[str, Any]) -> str | None:
    """Why it cannot be made, if it cannot."""
    path = ROOT / mutation["file"]
    if not path.is_file():
        return f"no file {mutation['file']}"
    if (count := path.read_text("utf-8").count(mutation["old"])) != 1:
        return f"its text is found {count} times in {mutation['file']}"
    if mutation["old"] == mutation["new"]:
        return "it changes nothing"
    test = ROOT / mutation["test"].partition("::")[0]
    name = mutation["test"].rpartition("::")[2].partition("[")[0]
    if not test.is_file() or (name != mutation["test"] and name not in test.read_text("utf-8")):
        return f"no test {mutation['test']}"
    return None


def run(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run these tests in the copy, to the first that fails."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env={**os.environ, "IGENT_NIGHTLY": "0", "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},  # noqa: TID251
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def is_noticed(mutation: dict[str, Any], tree: Path) -> str | None:
    """Make it in the copy, run its test, undo it. Returns what is wrong, None when the test fails as it should."""
    path = tree / mutation["file"]
    whole = path.read_text("utf-8")
    path.write_text(whole.replace(mutation["old"], mutation["new"]), encoding="utf-8")
    try:
        ran = run(tree, mutation["test"])
    except subprocess.TimeoutExpired:
        return None  # it hangs where it did not: noticed, if late
    finally:
        path.write_text(whole, encoding="utf-8")
    if ran.returncode == 0:
        return "NOT NOTICED: the test passes"
    return None if ran.returncode == 1 else f"the test could not be run: {ran.stdout[-500:]}{ran.stderr[-500:]}"


def main(wanted: list[str]) -> int:
    wrong = total = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "copy"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        for area in wanted:
            plain = run(tree, *sorted({mutation["test"] for mutation in read(area)}))
            if plain.returncode:
                print(f"{area}: a test fails where nothing was changed:\n{plain.stdout[-2000:]}{plain.stderr[-2000:]}")
                return 1
            for mutation in read(area):
                started = time.monotonic()
                said = misfit(mutation) or is_noticed(mutation, tree)
                total, wrong = total + 1, wrong + (said is not None)
                took = f"{time.monotonic() - started:5.1f} s"
                print(f"{took}  {mutation['promise']:8} {mutation['what']}: {said or 'noticed'}", flush=True)
    print(f"{total} variants, {total - wrong} noticed")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or areas()))
