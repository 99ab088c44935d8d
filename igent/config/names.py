"""Names that people type: which are safe, and which valid one is nearest to a wrong one."""

from __future__ import annotations

__all__ = ["did_you_mean", "is_safe_name", "is_safe_path", "unnameable"]

import errno
import os
import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Windows opens the device, whatever folder and ending the name has.
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])(?: *\..*)?", re.IGNORECASE)
_LONGEST_PATH, _LONGEST_PART = 500, 200
_LONGEST_GUESSED = 100  # finding what is near takes the square of the length
_MOST_LISTED = 50
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp"})  # not Cs: a name of bytes that are no UTF-8 has those


def is_safe_name(name: str) -> bool:
    """Whether the name may become part of a path on any system: letters, digits, '.', '_', '-', at most 64, not a
    leading or trailing dot, no two in a row, and no device of Windows."""
    return bool(_SAFE.fullmatch(name)) and ".." not in name and _is_portable(name)


def is_safe_path(path: str) -> bool:
    """Whether this is a relative path, with "/", that leads into no other folder and means the same on any system.

    It may have letters of any language, in their composed form, and spaces; no part may begin with a dot or "~".
    """
    if not path or len(path) > _LONGEST_PATH or unicodedata.normalize("NFKC", path) != path:
        return False  # normalised first: wide or decomposed forms of "." and "/" are those to some file systems
    return all(
        0 < len(part.encode("utf-8", "surrogatepass")) <= _LONGEST_PART
        and part[0] not in ".~ "
        and not set(part) & set('\\:*?"<>|')
        and part.isprintable()
        and _is_portable(part)
        for part in path.split("/")
    )


def _is_portable(part: str) -> bool:
    return part[-1] not in ". " and not _DEVICES.fullmatch(part)


def unnameable(path: Path) -> str | None:
    """Why this path of a user's own is not taken: too long, with a NUL in it, or with characters that would steer a
    terminal wherever it is shown. None: it is, whether it exists or not."""
    if any(unicodedata.category(c) in _HIDDEN for c in str(path)):
        return "has control characters, or others that cannot be seen, in its name"
    try:
        os.lstat(path)
    except ValueError:
        return "is no path"
    except OSError as error:
        return str(error.strerror) if error.errno == errno.ENAMETOOLONG else None
    return None


def did_you_mean(wrong: str, valid: Iterable[str], noun: str = "valid") -> str:
    """The remedy for a wrong name: the nearest valid one, else the list of them."""
    names = sorted(valid)
    near = get_close_matches(wrong, names, n=1, cutoff=0.5) if len(wrong) <= _LONGEST_GUESSED else []
    if near:
        return f"did you mean {near[0]!r}?"
    more = ", …" if len(names) > _MOST_LISTED else ""
    return f"{noun}: {', '.join(names[:_MOST_LISTED])}{more}" if names else ""
