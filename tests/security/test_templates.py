"""Prompts from a stranger: harmless text or a ConfigError, within seconds and bounded memory; no file, no attribute."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path

import pytest
from injections import Obedient, poisoned
from jinja2 import Environment

from igent import run_workflow
from igent.config.locate import Places
from igent.errors import ConfigError
from igent.prompting import rendering
from igent.prompting.templates import PromptLibrary

ROOT = Path(__file__).parents[2]
SOON = 6.0  # seconds: a child has one of processor time, and a busy machine may be slow to give it
VARIABLES = {"schema": '{"type": "object"}' + " " * 200 + "end", "agent": "matcher1", "constellation": "mine"}
SECRET = "planted-secret-of-another-file"

REFUSED = {
    "globals of a helper": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "globals of another": "{{ joiner.__init__.__globals__ }}{{ lipsum.__globals__ }}",
    "the classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "an attribute by filter": '{{ agent|attr("__class__")|attr("__mro__") }}',
    "an attribute by subscript": '{{ agent["__class__"]["__mro__"] }}',
    "an attribute by map": '{{ [agent]|map(attribute="__class__.__mro__")|list }}',
    "a format string": '{{ "{0.__class__.__mro__}".format(agent) }}',
    "a format string by map": '{{ "{x.__class__.__init__.__globals__}".format_map({"x": agent}) }}',
    "globals of a function": "{{ range.__self__ }}{{ dict.mro() }}{{ namespace.__init__.__globals__ }}",
    "itself": "{{ self.__init__.__globals__ }}{{ self._TemplateReference__context }}",
    "a file": '{% include "/etc/passwd" %}',
    "a file by another way": '{% import "/etc/passwd" as x %}',
    "a file by a third": '{% from "/etc/passwd" import x %}{% extends "/etc/passwd" %}',
    "much text": "{{ 'a' * 10**9 }}",
    "much text, padded": '{{ "x"|center(10**9) }}',
    "much text, by format": '{{ "%1000000000d"|format(1) }}{{ "{:1000000000}".format(1) }}',
    "much text, by indent": '{{ "x"|indent(10**9, first=true) }}',
    "much text, by replace": '{{ ("a" * 10**5)|replace("a", "b" * 10**5) }}',
    "much text, joined": '{{ ("a" * 10**6,) * 1000 | join("x" * 10**6) }}',
    "much text, in a loop": "{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "words": "{{ lipsum(n=100000) }}",
    "a long loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "a list of numbers": "{{ range(10**9)|list }}",
    "lists of lists": "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "batches": "{{ (range(99999)|list * 9999)|batch(2)|list|length }}",
    "attributes of XML": '{{ {"a" * 10**9: 1}|xmlattr }}',
    "a huge power": "{{ 9**(9**(9**9)) }}",
    "a huge shift": "{{ (1).__lshift__(10**10) }}{{ 2**(2**40) }}",
    "a macro in itself": "{% macro a() %}{{ a() }}{{ a() }}{% endmacro %}{{ a() }}",
    "a loop in itself": "{% for a in [[1]] recursive %}{{ loop([a, a]) }}{% endfor %}",
    "a block in itself": "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "brackets in brackets": "{{ " + "(" * 60_000 + "1" + ")" * 60_000 + " }}",
    "attributes in attributes": "{{ agent" + ".b" * 50_000 + " }}",
    "sums of sums": "{{ agent" + "+agent" * 20_000 + " }}",
    "ifs in ifs": "{% if agent %}" * 10_000 + "{% endif %}" * 4_000,
    "not not": "{{ " + "not " * 40_000 + "1 }}",
    "a number of 100,000 digits": "{{ " + "9" * 100_000 + " }}",
    "the same in hexadecimal": "{{ 0x" + "f" * 100_000 + " }}",
    "half a surrogate pair": '{{ "\\ud800" }}',
    "a function": "{{ agent.upper }}",
    "a class": "{{ dict }}",
    "the schema 15,000 times": "{{ schema }}" * 15_000,
    "a variable that there is not": "line\n{{ agnet }}",
    "a type that does not fit": "{% if agent < 3 %}x{% endif %}",
    "no filter": "{{ agent|nosuch }}",
}
HARMLESS = {
    "a power": ("{{ 2 ** 10 }}", "1024\n"),
    "a loop": ("{% for a in range(3) %}{{ a }}{% endfor %}", "012\n"),
    "a macro": ("{% macro a(x) %}<{{ x }}>{% endmacro %}{{ a(agent) }}", "<matcher1>\n"),
    "a set": ("{% set x = agent ~ '!' %}{{ x|upper }}", "MATCHER1!\n"),
    "an if": ("{% if agent == 'matcher1' and schema is defined %}yes{% else %}no{% endif %}", "yes\n"),
    "a filter": ("{{ agent|upper }} {{ agent|length }} {{ agent|tojson }}", 'MATCHER1 8 "matcher1"\n'),
    "text with braces": ('{{ "{{ 7*7 }}" }}{% raw %}{{ x }}{% endraw %}', "{{ 7*7 }}{{ x }}\n"),
}


def library(tmp_path: Path, text: str) -> PromptLibrary:
    (tmp_path / "prompts").mkdir(exist_ok=True)
    (tmp_path / "prompts" / "a.md").write_text(text, encoding="utf-8")
    places = Places((tmp_path,))
    return PromptLibrary(lambda name: places.find("prompts", name), lambda: places.names("prompts", "**/*.md"))


def peak_bytes() -> int:
    """The largest memory that this process, or a child of it, ever had."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return unit * max(resource.getrusage(each).ru_maxrss for each in who)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_hostile_prompt_is_refused_within_time_and_memory(tmp_path: Path, kind: str):
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        library(tmp_path, REFUSED[kind].replace("/etc/passwd", str(tmp_path / "secret"))).render("a.md", VARIABLES)
    assert time.monotonic() - started < SOON
    said = str(caught.value)
    assert said.startswith(f"prompt {tmp_path / 'prompts' / 'a.md'}")
    assert said.endswith("(variables: agent, constellation, schema)")
    assert len(said) < 3000
    assert not re.search(rf"{SECRET}|root:|<class|<module|subprocess|uid=|0x[0-9a-f]{{8}}", said)
    if sys.platform == "linux":
        assert peak_bytes() < 1 << 30


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_harms_nobody_is_rendered(tmp_path: Path, kind: str):
    text, expected = HARMLESS[kind]
    assert library(tmp_path, text).render("a.md", VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "line"), [("a\n{{ agnet }}", 2), ("a\n\n{% for x in [1] %}\n{{ x.y }}{% endfor %}", 4), ("a\n{% if %}", 2)]
)
def test_the_line_is_named_wherever_it_is_rendered(tmp_path: Path, text: str, line: int):
    with pytest.raises(ConfigError, match=rf"a\.md:{line}: "):
        library(tmp_path, text).render("a.md", VARIABLES)


def tree_of(text: str) -> bool:
    return rendering.is_plain(Environment().parse(text))


@pytest.mark.parametrize(
    "text",
    ["{{ 1 + 1 }}", "{{ agent() }}", "{% for a in agent %}{% endfor %}", "{{ agent|indent(9) }}", "{{ agent|center }}",
     "{{ agent ~ agent }}", "{{ [agent] }}", "{{ agent[0] }}", "{% set a = 1 %}", "{% if agent < 1 %}{% endif %}",
     "{{ 'x'|upper }}", "{{ agent|upper|upper }}", "{% macro a() %}{% endmacro %}", "{{ agent is divisibleby 3 }}",
     "{{ -1 }}", "{% filter upper %}{% endfilter %}", "{{ agent if agent else 1 }}", "{{ agent }}" * 3000],
)  # fmt: skip
def test_whatever_could_grow_is_rendered_in_a_child(text: str):
    assert not tree_of(text)


def test_no_child_is_needed_for_what_ships(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> bytes:
        raise AssertionError("a child was started")

    monkeypatch.setattr(rendering, "run_confined", refuse)
    prompts = sorted((ROOT / "prompts").rglob("*.md"))
    assert len(prompts) >= 9
    for path in prompts:
        assert rendering.render_text(path.read_text("utf-8"), VARIABLES)


def test_a_child_is_started_once_for_the_same_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started = []
    run = rendering.run_confined

    def counted(*given: object) -> bytes:
        started.append(given)
        return run(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "run_confined", counted)
    prompts = library(tmp_path, "{{ 1 + 1 }}")
    assert {prompts.render("a.md", VARIABLES) for _ in range(5)} == {"2\n"}
    assert len(started) == 1
    library(tmp_path, "{{ 1 + 2 }}")
    assert prompts.render("a.md", VARIABLES) == "3\n", "the file has changed"


@pytest.mark.skipif(sys.platform == "win32", reason="has none of these")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "outside", "chain", "loop"])
def test_a_prompt_that_is_no_file_of_the_folder_is_refused(tmp_path: Path, kind: str):
    prompts = library(tmp_path, "x")
    path = tmp_path / "prompts" / "b.md"
    (tmp_path / "secret.md").write_text(SECRET, encoding="utf-8")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "chain":
        (tmp_path / "prompts" / "sub").symlink_to(tmp_path)
        path.symlink_to("sub/secret.md")
    else:
        path.symlink_to({"device": "/dev/zero", "outside": tmp_path / "secret.md", "loop": path}[kind])
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"no prompt 'b\.md'"):
        prompts.render("b.md", VARIABLES)
    assert time.monotonic() - started < SOON


def test_the_text_of_a_record_is_no_template(tmp_path: Path):
    """Nor is that of a product, an incentive or a supplier: what they say comes through as it is."""
    payload = "{{ 7*7 }} {% include '/etc/passwd' %} {{ ''.__class__ }}"
    data = poisoned(tmp_path / "data", "a field that nobody knows", payload)
    model = Obedient("nobody says this", 0)
    asyncio.run(
        run_workflow("p1m1m2c", data=data, scenario="overlap_only", out=tmp_path / "run", client=model, mock=True)
    )
    asked = [message for message in model.messages if "7*7" in message]
    assert asked
    assert all(payload in message for message in asked)
