"""The words of a crosswalk: provisions, elections, what a model answers about a pair, and the rows of the results.

Fields of an answer stream in as they stand here: those that decide first, the reasoning last.
"""

from __future__ import annotations

__all__ = [
    "ACCEPTED_CONFIDENCE",
    "MATCHES",
    "MAX_QUOTE_WORDS",
    "Election",
    "Evidence",
    "Impact",
    "MappingAnswer",
    "MatchType",
    "Option",
    "OptionCompatibility",
    "Provision",
    "ProvisionType",
    "Quote",
    "Score",
    "Status",
    "VarianceAnswer",
    "VarianceType",
]

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ProvisionType = Literal[
    "eligibility_rule", "participation_rule", "contribution_formula", "allocation_formula", "compensation_definition",
    "vesting_schedule", "distribution_trigger", "loan_provision", "hardship_withdrawal", "top_heavy",
    "coverage_testing", "forfeiture_usage", "plan_year", "normal_retirement_age", "definition", "other",
]  # fmt: skip
MatchType = Literal["exact", "compatible", "conditional", "no_match", "abstain"]
VarianceType = Literal["none", "administrative", "design", "regulatory"]
Impact = Literal["none", "low", "medium", "high"]
OptionCompatibility = Literal["none", "same", "compatible", "incompatible"]
Status = Literal["confirmed", "conditional", "blocked", "pending"]

MATCHES = frozenset({"exact", "compatible", "conditional"})
"""The match types that are matches."""
ACCEPTED_CONFIDENCE = 0.70
"""A decision below this confidence is none: the model abstains, and a person looks."""
MAX_QUOTE_WORDS = 12
_NOTHING = {"", "null", "none", "n/a"}


def _evidence(value: Any) -> Any:
    return {"quote": value} if isinstance(value, str) else value


def _optional_id(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().casefold() in _NOTHING else value


def _words(value: Any) -> Any:
    return "" if value is None else value


Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Words = Annotated[str, BeforeValidator(_words)]


class Provision(BaseModel):
    """One provision of a basic plan document; `pdf_page` from 1, `page_sequence` its place on the page from 1."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(min_length=1)
    document: str = ""
    section_number: Words = ""
    section_title: Words = ""
    provision_text: Words = ""
    provision_type: ProvisionType = "other"
    provision_classification: Literal["heading", "substantive"] = "substantive"
    pdf_page: int | None = None
    page_sequence: int | None = None


class Option(BaseModel):
    """One box of an election: `fill_ins` are what was written into its blanks."""

    model_config = ConfigDict(extra="allow")

    option_id: str
    label: Words = ""
    option_text: Words = ""
    is_selected: bool = False
    fill_ins: list[str] = Field(default_factory=list)


class Election(Provision):
    """One election of an adoption agreement: a question, its options, and what was ticked or written."""

    field_label: Words = ""
    parent_section: Words = ""
    local_ordinal: int | None = None
    status: Literal["unanswered", "answered", "ambiguous", "conflict", "unknown"] = "unknown"
    kind: Literal["text", "single_select", "multi_select"] = "single_select"
    options: list[Option] = Field(default_factory=list)


class Quote(BaseModel):
    """A few words of one of the two texts."""

    side: Literal["source", "target"] | None = Field(default=None, description="whose text it stands in")
    quote: str = Field(description=f"at most {MAX_QUOTE_WORDS} words, copied word for word")


Evidence = Annotated[Quote, BeforeValidator(_evidence)]
"""A text alone is a quote from whichever side has it."""


class MappingAnswer(BaseModel):
    """Whether the target means the same as the source, as a model answers it about one pair."""

    source_id: str = Field(description="`id` of SOURCE")
    target_id: Annotated[str | None, BeforeValidator(_optional_id)] = Field(
        description="`id` of TARGET if is_match, else null"
    )
    is_match: bool
    match_type: MatchType
    variance_type: VarianceType = "none"
    impact_level: Impact = "none"
    option_compatibility: OptionCompatibility = Field(default="none", description='"none" unless both have options')
    llm_similarity: Score = Field(description="how much of the meaning is the same")
    confidence_score: Score = Field(description="how sure this decision is")
    evidence: list[Evidence] = Field(default_factory=list)
    abstain_reason: Words = ""
    regulatory_notes: Words = ""
    reasoning: str = Field(min_length=1)


class VarianceAnswer(BaseModel):
    """How two matched provisions differ once the elected values stand in their texts."""

    source_id: str = Field(description="`id` of SOURCE_INSTANCE")
    target_id: str = Field(description="`id` of TARGET_INSTANCE")
    variance_type: VarianceType
    impact_level: Impact
    option_compatibility: OptionCompatibility = Field(default="none", description="of the elected values")
    llm_similarity: Score = Field(description="how much of the meaning is the same")
    confidence_score: Score = Field(description="how sure this decision is")
    evidence: list[Evidence] = Field(default_factory=list)
    abstain_reason: Words = ""
    regulatory_notes: Words = ""
    reasoning: str = Field(min_length=1)
