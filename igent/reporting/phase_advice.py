"""The bottleneck of a graph's run, and one thing that a person can do about it: by what the phase is and what it waits
for."""

from __future__ import annotations

__all__ = ["find_graph_bottleneck"]

from collections.abc import Mapping

from igent.reporting.advice import ENGINE_ADVICE, INSTANT, Bottleneck
from igent.reporting.facts import RunFacts
from igent.reporting.figures import rate
from igent.reporting.phase_figures import PhaseFigures

_MANY_429S = 0.05
_MANY_BAD = 0.2
_MUCH_WAITING = 0.25
_MOSTLY = 0.5
_ENGINE = "engine"
_SETTLED = "Everything was settled before; only igent's own start and end took time."


def find_graph_bottleneck(phases: Mapping[str, PhaseFigures], engine: float, facts: RunFacts) -> Bottleneck | None:
    """The phase with the largest share of the critical path, or "engine", whose share is `engine`; None when no time
    was spent."""
    shares = {name: figures.critical_share for name, figures in phases.items()}
    name = max(shares, key=lambda key: shares[key], default=None)
    if name is None or engine > shares[name]:
        return _engine(phases, engine, facts) if engine else None
    if not shares[name]:
        return None
    return Bottleneck(name, shares[name], _advice(name, phases, facts))


def _engine(phases: Mapping[str, PhaseFigures], share: float, facts: RunFacts) -> Bottleneck:
    if not any(figures.busy_seconds for figures in phases.values()):
        return Bottleneck(_ENGINE, share, _SETTLED)
    return Bottleneck(_ENGINE, share, INSTANT if _is_instant(facts) and _calls(phases) else ENGINE_ADVICE)


def _advice(name: str, phases: Mapping[str, PhaseFigures], facts: RunFacts) -> str:
    phase = phases[name]
    match phase.resource:
        case "llm":
            return INSTANT if _is_instant(facts) else _llm(phase, phases, facts)
        case "embedding":
            return INSTANT if _is_instant(facts) and phase.calls else _embedding(phase)
        case "vision":
            return _vision(phase)
        case _:
            return _cpu(phase)


def _llm(phase: PhaseFigures, phases: Mapping[str, PhaseFigures], facts: RunFacts) -> str:
    if trouble := _refused(phase) or _bad(phase):
        return trouble
    busy = sum(figures.busy_seconds for figures in phases.values() if figures.calls)
    quota = facts.quota_wait_seconds / busy if busy else 0.0
    if quota > _MUCH_WAITING:
        return (
            f"The provider's limits are used to the full: calls waited {quota:.0%} of their time for them. Ask the "
            "provider for higher ones, or make fewer calls (batch: N in the phase); more --concurrency brings nothing."
        )
    more = f"batch: N (now {phase.batch})" if phase.kind == "converse" else ""
    if _waits(phase):
        return (
            f"Its units wait for a free place: raise --concurrency (now {phase.concurrency}) while the provider's "
            f"limits allow it{f', or work on more of them in one call: {more}' if more else ''}."
        )
    batch = f", or fewer of them: {more}" if more else ""
    return f"Its calls take the time, not the waiting: a faster model (--model), shorter answers{batch}."


def _refused(phase: PhaseFigures) -> str:
    throttled = rate(phase.rate_limited, phase.calls + phase.retries) or 0.0
    if throttled <= _MANY_429S:
        return ""
    at_once = "--concurrency" if phase.resource == "llm" else f"run: {{resources: {{{phase.resource}: N}}}}"
    return (
        f"The endpoint refused {throttled:.0%} of the calls with 429: lower {at_once} (now {phase.concurrency}), or "
        "ask the provider for a higher limit."
    )


def _bad(phase: PhaseFigures) -> str:
    invalid = rate(phase.invalid_drafts, phase.drafts) or 0.0
    failed = rate(phase.failed, phase.units) or 0.0
    remedy = "improve the prompt, or give its matcher a stronger model with --model."
    if invalid > _MANY_BAD:
        return f"{invalid:.0%} of the drafts were invalid, and each costs another call: {remedy}"
    if failed > _MANY_BAD and phase.drafts:
        return f"{failed:.0%} of its units failed after all their calls: {remedy}"
    return ""


def _embedding(phase: PhaseFigures) -> str:
    if trouble := _refused(phase):
        return trouble
    if not phase.calls:
        return "The local model reckons for so long: what is in the cache is not embedded again; or give it more cores."
    if _waits(phase):
        return (
            f"Its texts wait for a free place: raise run: {{resources: {{embedding: N}}}} (now {phase.concurrency}), "
            f"or batch: N (now {phase.batch})."
        )
    return (
        f"Its calls take the time, not the waiting: more texts in each (batch: N, now {phase.batch}), or fewer texts."
    )


def _vision(phase: PhaseFigures) -> str:
    if _waits(phase):
        return (
            f"Pages wait to be read as pictures: raise run: {{resources: {{vision: N}}}} (now {phase.concurrency}), or "
            "give it PDFs that hold their text."
        )
    return "Reading pages as pictures takes the time: give it PDFs that hold their text; what is in the cache is quick."


def _cpu(phase: PhaseFigures) -> str:
    if _waits(phase):
        return (
            f"Its units wait for a free place: raise run: {{resources: {{cpu: N}}}} (now {phase.concurrency}) if the "
            "step waits for files or others; if it reckons, see where with --profile FILE."
        )
    if phase.kind == "pair":
        return "The search takes the time: narrow it with a `compatible` rule, or see where with --profile FILE."
    return "Its step in Python takes the time: see where with --profile FILE."


def _waits(phase: PhaseFigures) -> bool:
    return phase.waiting > _MOSTLY * phase.critical_seconds


def _is_instant(facts: RunFacts) -> bool:
    return facts.mock and facts.mock_latency is None


def _calls(phases: Mapping[str, PhaseFigures]) -> int:
    return sum(figures.calls for figures in phases.values())
