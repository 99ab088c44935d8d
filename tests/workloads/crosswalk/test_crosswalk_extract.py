"""Pages and JSON to provisions: nothing is lost in silence, and nothing of the page's furniture gets in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from crosswalk_documents import DATA, KEYS, PDF, document, extracted, shipped
from crosswalk_kit import CONTEXT, provision

from igent.flow import Item, Page, PdfFile
from igent.workloads.crosswalk.extract import extract
from igent.workloads.crosswalk.read import Reference

TOP = "SPECIMEN - NOT FOR EXECUTION\nHarbor Plan - Basic Plan Document\n"


def end(page: int) -> str:
    return f"\n© 2026 Some Vendor. All rights reserved.\nPage {page} of 3"


PAGES = (
    f"{TOP}ARTICLE II ELIGIBILITY\n2.01 Age Requirement. An Employee must be age 21 and must have com-\npleted a year "
    f"of service as described in\n2.02 Of this Plan or in Section 2.03.\n2.02 Service. The non-\nresident aliens of "
    f"Section\n3.01 of the Adoption Agreement do not{end(1)}",
    f"{TOP}count.\nSection 2.03(a) Rehire\nA person comes back.\nARTICLE III\nCONTRIBUTIONS\n§ 3.01 “Match” means "
    f"what is matched.{end(2)}",
    f"{TOP}3.01 An Employee may defer pay, without a title here.{end(3)}",
)


async def test_sections_of_several_styles_are_read_over_pages() -> None:
    items, lost = await extracted("source_bpd", None, PAGES)
    assert not lost
    assert [(i.data["section_number"], i.data["section_title"], i.data["provision_text"]) for i in items] == [
        ("Article II", "ELIGIBILITY", "ARTICLE II ELIGIBILITY"),
        (
            "2.01",
            "Age Requirement",
            "An Employee must be age 21 and must have completed a year of service as described in 2.02 Of this Plan or "
            "in Section 2.03.",
        ),
        ("2.02", "Service", "The non-resident aliens of Section 3.01 of the Adoption Agreement do not count."),
        ("2.03(a)", "Rehire", "A person comes back."),
        ("Article III", "CONTRIBUTIONS", "ARTICLE III CONTRIBUTIONS"),
        ("3.01", "", "“Match” means what is matched."),
        ("3.01", "", "An Employee may defer pay, without a title here."),
    ]
    assert [i.id for i in items][-2:] == ["source-bpd-3.01", "source-bpd-3.01~2"]
    assert [(i.data["pdf_page"], i.data["page_sequence"]) for i in items] == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1),
    ]  # fmt: skip
    assert [i.data["provision_classification"] for i in items].count("heading") == 2


async def test_a_provision_is_given_before_later_pages_are_read() -> None:
    read: list[int] = []

    async def pages(file: PdfFile):
        for number in range(1, 9):
            read.append(number)
            yield Page(number, f"{number}.01 Title Here. Text number {number} ends.\n{number}.02 Other. More of it.")

    item, file = document("source_bpd", PDF)
    stream = extract(item, replace(CONTEXT, reference=Reference({"source_bpd": file}), pages=pages))
    first = await anext(stream)
    assert isinstance(first, Item)
    assert first.data["section_number"] == "1.01"
    assert len(read) == 3  # the two pages after it tell what is a header
    await stream.aclose()


async def test_a_page_with_a_problem_is_lost_and_the_rest_goes_on() -> None:
    pages = [
        PAGES[0],
        Page(2, "", "text", "only 12 characters of text: run with OCR"),
        "lost.\n2.09 Last. It is there.",
    ]
    items, lost = await extracted("source_bpd", None, pages)
    assert [one.id for one in lost] == ["source_bpd.pdf page 2", "source-bpd-2.02"]
    assert "run with OCR" in lost[0].reason
    assert "may go on on page 2" in lost[1].reason
    assert items[-1].data["provision_text"] == "It is there."


async def test_headings_in_small_letters_are_told_from_references() -> None:
    page = (
        "Article II. Who May Join\n2.01 First. This is governed by\nArticle III of the Plan and by\nArticle IV.\n"
        "2.02 Two. It."
    )
    items, _ = await extracted("source_bpd", None, [page])
    assert [item.data["provision_text"] for item in items] == [
        "ARTICLE II Who May Join", "This is governed by Article III of the Plan and by Article IV.", "It.",
    ]  # fmt: skip
    part = (
        "Part 2 - Money In\n2.01 Match. Rate (check one):\n[X] 3%, see\nPart 4 of this form\n"
        "PART III OTHER\n3.01 Name: x"
    )
    elections, _ = await extracted("source_aa", None, [part])
    assert [e.data["parent_section"] for e in elections] == ["Part 2 - Money In", "PART III OTHER"]
    assert elections[0].data["options"][0]["option_text"] == "3%, see Part 4 of this form"


async def test_a_section_begins_also_where_the_one_before_has_no_full_stop() -> None:
    items, _ = await extracted("source_bpd", None, ["2.01 First. A list without a stop\n2.02 Second. It is there."])
    assert [item.data["section_number"] for item in items] == ["2.01", "2.02"]


AGREEMENT = """PART 3 RETIREMENT
Q 3.01 Normal Retirement Age. A Participant retires at (check one):
[X] (a) age 65
[ ] (b) age [ 62 ] and
5 years
Q 3.02 Events. These count (check all that apply):
☒ a. death ☐ b. disability
☒ c. layoff, within __30__ days
3.03 Two Ticked. Something (check one):
(X) (1) this
( ) (2) that
(x) (3) other: ____
Q 3.04 Nothing Ticked. Something (check one):
[ ] (a) this
[ ] (b) that
Q 3.05 Plan Name. Name of the plan: Harbor Plan
Q 3.06 Trustee name: ________
Q 3.07 Exclusions. Who is left out (check all that apply):
[X] (a) none
[X] (b) students
Q 3.08 Unreadable. Something (check one):
[?] (a) this
[ ] (b) that
Q 3.09 Blank Fill-In. Something (check one):
[X] (a) ____ months
[ ] (b) that"""


async def test_questions_boxes_and_fill_ins() -> None:
    items, lost = await extracted("target_aa", None, [AGREEMENT])
    by = {item.data["section_number"]: item.data for item in items}
    assert not lost
    assert {n: (e["kind"], e["status"]) for n, e in by.items()} == {
        "3.01": ("single_select", "answered"),
        "3.02": ("multi_select", "answered"),
        "3.03": ("single_select", "ambiguous"),
        "3.04": ("single_select", "unanswered"),
        "3.05": ("text", "answered"),
        "3.06": ("text", "unanswered"),
        "3.07": ("multi_select", "conflict"),
        "3.08": ("single_select", "unknown"),
        "3.09": ("single_select", "ambiguous"),
    }
    assert by["3.01"]["options"] == [
        {"option_id": "a", "label": "(a)", "option_text": "age 65", "is_selected": True, "fill_ins": []},
        {"option_id": "b", "label": "(b)", "option_text": "age [ 62 ] and 5 years", "is_selected": False,
         "fill_ins": ["62"]},
    ]  # fmt: skip
    assert [(o["option_id"], o["is_selected"], o["fill_ins"]) for o in by["3.02"]["options"]] == [
        ("a", True, []), ("b", False, []), ("c", True, ["30"]),
    ]  # fmt: skip
    assert by["3.05"]["options"][0]["fill_ins"] == ["Harbor Plan"]
    assert (by["3.05"]["field_label"], by["3.06"]["field_label"]) == ("Plan Name", "Trustee name")
    assert by["3.01"]["parent_section"] == "PART 3 RETIREMENT"
    assert [by[n]["local_ordinal"] for n in sorted(by)] == list(range(1, 10))


async def test_json_entries_with_faults_are_lost_with_file_line_and_field() -> None:
    good = provision("1")
    bare = {"id": "source-bpd-2", "provision_text": "A loan may not exceed $50,000.", "section_title": "Loans"}
    entries = [good, bare, {"provision_text": "x"}, {"id": "3", "provision_text": " "}, good, "text",
               provision("4", provision_type="pension"), provision("5", provision_classification="title")]  # fmt: skip
    items, lost = await extracted("source_bpd", entries, lines={n: 10 + n for n in range(len(entries))})
    assert [i.id for i in items] == ["source-bpd-1", "source-bpd-2"]
    assert items[1].data["provision_type"] == "loan_provision"
    assert [one.reason.split(" (")[0] for one in lost] == [
        "source_bpd.json:12: id: is missing; each entry needs its own",
        "source_bpd.json:13: provision_text: is missing or empty",
        "source_bpd.json:14: id: '1' is given twice; the first one is used",
        "source_bpd.json:15: an entry must be a JSON object, not str",
        lost[4].reason.split(" (")[0],
        "source_bpd.json:17: provision_classification: 'title' is not one of heading, substantive",
    ]
    assert lost[4].reason.startswith("source_bpd.json:16: provision_type: 'pension' is not one of")
    assert len({one.id for one in lost}) == len(lost)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("status", "done", "status: 'done' is not one of"),
        ("kind", "radio", "kind: 'radio' is not one of"),
        ("options", "a", "options: must be a list"),
        ("options", [{"option_id": "a", "is_selected": True}] * 2, "option_id of its own"),
        ("options", [{"option_id": "a", "is_selected": "yes"}], "is_selected must be true or false"),
    ],
)
async def test_json_elections_are_checked(field: str, value: object, said: str) -> None:
    entry = {"id": "1", "field_label": "Minimum Age", field: value}
    items, lost = await extracted("source_aa", {"elections": [entry, {"id": "2", "field_label": "Loans"}]})
    assert [i.data["status"] for i in items] == ["unanswered"]
    assert said in lost[0].reason
    assert "elections[0]" in lost[0].reason


@pytest.mark.parametrize("value", [None, [], [{"id": ""}]])
async def test_a_document_that_gives_nothing_says_so(value: object) -> None:
    items, lost = await extracted("source_bpd", value, ["A letter without any sections."])
    assert not items
    assert "no provision could be extracted" in lost[-1].reason
    assert lost[-1].id == "source_bpd"


@pytest.mark.parametrize("key", KEYS)
async def test_the_shipped_pdfs_say_what_the_shipped_json_says(key: str) -> None:
    path = DATA / f"{key}.pdf"
    assert path.stat().st_size < 150_000
    items, lost = await extracted(key, PdfFile(path, "0"))
    assert not lost
    assert [dict(item.data) for item in items] == shipped(key)


@pytest.mark.parametrize("key", KEYS)
async def test_the_shipped_json_is_taken_as_it_is(key: str) -> None:
    items, lost = await extracted(key, shipped(key))
    assert not lost
    assert [dict(item.data) for item in items] == shipped(key)


async def test_headers_that_repeat_are_left_out_and_lines_that_only_seem_to_are_not() -> None:
    pages = [f"My Plan, restated\n{n}.01 Title. Sentence {n} is here.\n[X] (a) yes" for n in (1, 2, 3)]
    items, _ = await extracted("source_aa", None, pages)
    assert all("restated" not in str(item.data) for item in items)
    assert all(len(item.data["options"]) == 1 for item in items)


async def test_what_only_looks_like_furniture_stays() -> None:
    """A fact that a wrapped line ends with is no page number, and sentences may end alike on two pages."""
    ends = "is paid to the\nmembers who have reached age\n65."
    pages = [
        f"1.01 First. It {ends}\n1.02 More. Elections are\nvoid and without effect\nas to copyright law.\n"
        f"1.03 Odd. It {ends}\n7",
        f"2.01 Second. It\n25\nhours.\n2.02 Third. It {ends}\n8",
    ]
    items, _ = await extracted("source_bpd", None, pages)
    texts = {item.data["section_number"]: item.data["provision_text"] for item in items}
    said = "It is paid to the members who have reached age 65."
    assert texts == {
        "1.01": said,
        "1.02": "Elections are void and without effect as to copyright law.",
        "1.03": said,
        "2.01": "It 25 hours.",
        "2.02": said,
    }
