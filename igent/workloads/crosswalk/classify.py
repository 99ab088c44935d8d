"""Which type a provision is of, by the words of its heading and, with less weight, of its article and its text."""

from __future__ import annotations

__all__ = ["PROVISION_TYPES", "provision_type"]

import re
from collections.abc import Mapping

# In the order of precedence where two types weigh the same: the narrower one first. Each vendor has words of its own.
_WORDS: Mapping[str, str] = {
    "hardship_withdrawal": r"hardships?|immediate and heavy|emergenc(?:y|ies)|financial need|need of money",
    "top_heavy": r"top[- ]heavy|key employees?|Code Section 416|Section 416 of the Code",
    "loan_provision": r"loans?|borrow(?:s|er|ing|ed)?|promissory notes?|indebtedness",
    "coverage_testing": r"coverage|nondiscriminat\w+|deferral percentages?|average (?:rate|benefit)\w*|\w+ tests?"
    r"|testing|ratio (?:percentage )?test|highly (?:compensated|paid)",
    "forfeiture_usage": r"forfeitures?|forfeited|unearned|lapsed?s?",
    "vesting_schedule": r"(?:un|non)?vest(?:ed|ing|s)?|nonforfeitable|ownership|is earned|are earned|becomes earned",
    "normal_retirement_age": r"(?:normal|standard|early) retirement(?: age| date)?|retires? early|early retirement age"
    r"|standard age",
    "plan_year": r"plan years?|limitation years?|short year|accounting (?:year|period)|fiscal year|close of the year"
    r"|keeps its books|books of the plan",
    "allocation_formula": r"allocat(?:ed|ion|ions|es?)|apportion(?:ed|ment|s)?|sharing out|divided|divides|split among"
    r"|permitted disparity|annual additions|overall ceiling",
    "compensation_definition": r"compensation|remuneration|wages|earned income|plan pay|payroll items?",
    "participation_rule": r"entry dates?|participation|joining|joins|takes part|take part|becomes a participant"
    r"|rehired?|returning|enrol(?:l|lment|led)|re-?entry|enters? the plan|armed forces|military service",
    "eligibility_rule": r"eligib(?:le|ility)|(?:age|service) requirement|excluded|minimum age|waiting period|ineligible"
    r"|may (?:not )?join|must be|length of employment|left out|time at work|age",
    "contribution_formula": r"contributions?|contributes?|deferrals?|defer|match(?:ing|es|ed)?|catch-up"
    r"|salary reductions?|profit sharing|roth|rollover contributions|former plan|transfers from",
    "distribution_trigger": r"distribut\w+|payments?|pays out|paid out|annuit(?:y|ies)|rollovers?|in-service|severance"
    r"|beginning date|small (?:accounts|balances)|cash(?:ed)?[- ]?outs?|withdrawals?|withdraw|benefits"
    r"|leaving(?: work)?|taken? (?:money )?out",
}
_DEFINES = re.compile(
    r"^(?:an? |the )?[\"“']?[\w\s/()&-]{2,60}[\"”']?\s+(?:means|shall mean|refers to|is defined as|signifies)\b",
    re.IGNORECASE,
)
PROVISION_TYPES = (*_WORDS, "definition", "other")
"""All 16."""

_PATTERNS = {name: re.compile(rf"\b(?:{words})(?!\w)", re.IGNORECASE) for name, words in _WORDS.items()}
_IN_TITLE, _FIRST, _IN_ARTICLE, _ENOUGH = 4, 2, 3, 1.5
_NARROW = {"hardship_withdrawal": 1.8, "top_heavy": 1.8, "loan_provision": 1.8}  # a hardship withdrawal is a withdrawal


def provision_type(title: str, text: str, article: str = "") -> str:
    """The type by the words of the title (four times the weight), of the heading above it (`article`) and of the text;
    "definition" for a text that only says what a term means, "other" when no type is spoken of."""
    weights = {
        name: (_IN_TITLE * _count(pattern, title) + _IN_ARTICLE * _count(pattern, article) + _count(pattern, text))
        * _NARROW.get(name, 1)
        for name, pattern in _PATTERNS.items()
    }
    first = _first(title)
    if first:
        weights[first] += _FIRST
    best = max(weights, key=lambda name: weights[name])
    if _DEFINES.match(text) and not any(pattern.search(title) for pattern in _PATTERNS.values()):
        return "definition"
    return best if weights[best] >= _ENOUGH else "other"


def _first(title: str) -> str:
    """The type that the title speaks of first: the rest of "Vesting of Matching Contributions" only says of what."""
    starts = {name: match.start() for name, pattern in _PATTERNS.items() if (match := pattern.search(title))}
    return min(starts, key=lambda name: starts[name], default="")


def _count(pattern: re.Pattern[str], text: str) -> int:
    """How many different ones of the words there are."""
    return len({match[0].lower() for match in pattern.finditer(text)})
