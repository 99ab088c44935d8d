"""Generated plans: `python -m igent.workloads.crosswalk.generate DIR`; the same sizes and seed, the same bytes."""

from __future__ import annotations

__all__ = ["generate", "main"]

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from igent.files import replace_file
from igent.workloads.crosswalk.generate_pair import Sizes, make_pair
from igent.workloads.crosswalk.generate_pdf import pdf_of


def generate(bpd: Sizes = (425, 507), aa: Sizes = (521, 235), seed: int = 7, *, pdf: bool = False) -> dict[str, bytes]:
    """The files of the folder, by relative path: four JSON documents, truth.json and a scenario; with `pdf` also the
    documents as PDFs and a scenario for those. Raises DataError when the catalogue has less material than asked for."""
    pair = make_pair(bpd, aa, seed)
    files = {f"{key}.json": _lines(objects) for key, objects in pair.documents.items()}
    files["truth.json"] = (json.dumps(pair.truth, ensure_ascii=False, indent=1) + "\n").encode()
    files["scenarios/generated.yaml"] = _scenario("generated", bpd, aa, "json")
    if pdf:
        for key, objects in pair.documents.items():
            files[f"{key}.pdf"] = pdf_of(key, objects)
        files["scenarios/generated_pdf.yaml"] = _scenario("generated_pdf", bpd, aa, "pdf")
    return files


def _lines(objects: Sequence[Mapping[str, object]]) -> bytes:
    """A list with one object a line."""
    inner = ",\n".join(f"  {json.dumps(value, ensure_ascii=False)}" for value in objects)
    return f"[\n{inner}\n]\n".encode()


def _scenario(name: str, bpd: Sizes, aa: Sizes, ending: str) -> bytes:
    keys = ("source_bpd", "target_bpd", "source_aa", "target_aa")
    said = f"two generated plans: {bpd[0]} and {bpd[1]} provisions, {aa[0]} and {aa[1]} elections."
    named = "".join(f"{key}: {key}.{ending}\n" for key in keys)
    return f"name: {name}\ndescription: '{said}'\n{named}".encode()


def _sizes(context: click.Context, option: click.Parameter, value: str) -> Sizes:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not of the form 425x507")
    return int(match[1]), int(match[2])


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--bpd", default="425x507", show_default=True, callback=_sizes, help="Provisions of source and target.")
@click.option("--aa", default="521x235", show_default=True, callback=_sizes, help="Elections of source and target.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
@click.option("--pdf", is_flag=True, help="Write the documents as PDFs as well (needs fpdf2).")
def main(folder: Path, bpd: Sizes, aa: Sizes, seed: int, pdf: bool) -> None:
    """Write a generated pair of plans for the workload crosswalk into FOLDER."""
    files = generate(bpd, aa, seed, pdf=pdf)
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        replace_file(folder / name, [content], durable=False)
    click.echo(f"{len(files)} files in {folder}", err=True)


if __name__ == "__main__":
    main()
