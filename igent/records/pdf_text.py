"""The text of a page as later steps take it: line breaks as they stand, without what nobody sees.

Not NFKC: that makes other words, "402" of "40²" and "1/2" behind a whole number of "½". NFC only puts letters and
their accents together; beside that the ligatures of Latin print and the many spaces are made plain.
"""

from __future__ import annotations

__all__ = ["clean_text"]

import re
import unicodedata

_HYPHEN = "\x02"  # what the reader gives for a hyphen at the end of a line, together with the line break
_SOFT_HYPHEN = "\u00ad"
_PLAIN = {
    **{ord(mark): "\n" for mark in "\r\v\f\x85\u2028\u2029"},
    **{ord(space): " " for space in "\u00a0\u1680\u202f\u205f\u3000"},
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)),
}
# Controls, joiners and marks of direction, byte order marks, tags, halves of characters, and what is no character.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_END = re.compile(r"[ \t]+(?=\n|$)")
_BLANK = re.compile(r"\A\n+|\n+\Z")


def clean_text(text: str) -> str:
    """The text with "\\n" for every kind of line break, plain spaces and letters, and no controls or invisible marks.

    A word that is divided at the end of a line stays so, whether its hyphen is a soft one or not ("eligi-\\nbility");
    other soft hyphens go. Spaces at line ends go, and empty lines around the text.
    """
    text = text.replace("\r\n", "\n").replace(_HYPHEN, "-\n").translate(_PLAIN)
    text = text.replace(_SOFT_HYPHEN + "\n", "-\n").replace(_SOFT_HYPHEN, "")
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    return _BLANK.sub("", _LINE_END.sub("", text))
