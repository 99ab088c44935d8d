"""Where constellations, prompts and data are found: the constellation's folder, the current one, then what ships."""

from __future__ import annotations

__all__ = ["Places", "find_constellation", "list_constellations", "shipped_root"]

from dataclasses import dataclass
from pathlib import Path

from igent.config.names import did_you_mean, is_safe_name
from igent.errors import ConfigError, Problem


def shipped_root() -> Path:
    """The folder with the constellations/, prompts/ and data/ that ship: in the wheel, or the checkout itself."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_shipped"
    return packed if packed.is_dir() else package.parent


@dataclass(frozen=True, slots=True)
class Places:
    """The roots that are searched, in order, for `prompts/…` and `data/…` of one constellation."""

    roots: tuple[Path, ...]

    @classmethod
    def around(cls, constellation: Path) -> Places:
        """The roots for a constellation file. Its own tree comes first, unless it is a shipped one: then the current
        folder does, so that a user's prompts/ or data/ overlay the shipped ones."""
        folder = constellation.resolve().parent
        own = folder.parent if folder.name == "constellations" else folder
        shipped, here = shipped_root(), Path.cwd()
        order = [here, shipped] if own == shipped else [own, here, shipped]
        return cls(tuple(dict.fromkeys(order)))

    def find(self, kind: str, name: str) -> Path | None:
        """The first existing `<root>/<kind>/<name>`; None when there is none, or the name leaves the folder."""
        for root in self.roots:
            base = (root / kind).resolve()
            path = (base / name).resolve()
            if path.is_relative_to(base) and path.exists():
                return path
        return None

    def names(self, kind: str, pattern: str) -> list[str]:
        """All names under `<root>/<kind>/` that match a glob, sorted: for suggestions."""
        found = {p.relative_to(root / kind).as_posix() for root in self.roots for p in (root / kind).glob(pattern)}
        return sorted(found)


def list_constellations() -> dict[str, Path]:
    """Name to file of every constellation in ./constellations and among the shipped ones; the former win."""
    found: dict[str, Path] = {}
    for root in (shipped_root(), Path.cwd()):
        for path in sorted((root / "constellations").glob("*.yaml")):
            found[path.stem] = path
    return dict(sorted(found.items()))


def find_constellation(reference: str) -> Path:
    """The file of a constellation given by name, or by path (ends in .yaml or .yml, or has a folder in it).

    Raises ConfigError with the nearest name.
    """
    path = Path(reference)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        if path.is_file():
            return path
        raise ConfigError(Problem(reference, "no such constellation file"))
    known = list_constellations()
    if reference in known and is_safe_name(reference):
        return known[reference]
    raise ConfigError(
        Problem(
            "", f"no constellation {reference!r}", f"{did_you_mean(reference, known, 'there are')}; see: igent list"
        )
    )
