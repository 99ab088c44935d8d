"""Where constellations, prompts and data are found: the constellation's folder, the current one, then what ships."""

from __future__ import annotations

__all__ = ["Places", "find_constellation", "inside", "list_constellations", "shipped_root"]

from dataclasses import dataclass
from pathlib import Path

from igent.config.names import did_you_mean, is_safe_name, is_safe_path, unnameable
from igent.errors import ConfigError, Problem


def shipped_root() -> Path:
    """The folder with the constellations/, prompts/ and data/ that ship: in the wheel, or the checkout itself."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_shipped"
    return packed if packed.is_dir() else package.parent


def inside(folder: Path, name: str) -> Path | None:
    """The path `name` in a folder, links followed; None when it leaves the folder, or is no safe path (is_safe_path).

    It need not exist.
    """
    if not is_safe_path(name):
        return None
    try:
        base = folder.resolve()
        path = (base / name).resolve()
    except (OSError, RuntimeError):  # links that lead in a circle: the one or the other, by the version of Python
        return None
    return path if path.is_relative_to(base) else None


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
        """The first existing `<root>/<kind>/<name>`; None where none is, or a name or link leaves the folder."""
        found = (inside(root / kind, name) for root in self.roots)
        return next((path for path in found if path is not None and path.exists()), None)

    def names(self, kind: str, pattern: str) -> list[str]:
        """All names under `<root>/<kind>/` that match a glob, sorted: for suggestions."""
        found = {p.relative_to(root / kind).as_posix() for root in self.roots for p in (root / kind).glob(pattern)}
        return sorted(found)


def list_constellations() -> dict[str, Path]:
    """Name to file of every constellation in ./constellations and among the shipped ones; the former win.

    A link out of the folder is left out, and a file whose name would upset a terminal or another system.
    """
    found: dict[str, Path] = {}
    for root in (shipped_root(), Path.cwd()):
        folder = root / "constellations"
        for path in sorted(folder.glob("*.yaml")):
            if inside(folder, path.name) is not None:
                found[path.stem] = path
    return dict(sorted(found.items()))


def find_constellation(reference: str) -> Path:
    """The file of a constellation given by name, or by path (ends in .yaml or .yml, or has a folder in it).

    Raises ConfigError with the nearest name.
    """
    path = Path(reference)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        why = unnameable(path)
        if why is None and path.is_file():
            return path
        raise ConfigError(Problem(reference[:200], why or "no such constellation file"))
    known = list_constellations()
    if reference in known and is_safe_name(reference):
        return known[reference]
    raise ConfigError(
        Problem(
            "", f"no constellation {reference!r}", f"{did_you_mean(reference, known, 'there are')}; see: igent list"
        )
    )
