"""Figures in words, the same in the table and in the progress: seconds, money, counts."""

from __future__ import annotations

__all__ = ["UNKNOWN", "compact", "count", "duration", "money", "percent", "seconds"]

from decimal import Decimal

UNKNOWN = "unknown"


def seconds(value: float | None) -> str:
    """ "0.4 ms", "3.21 s", "125 s"; "-" for None."""
    if value is None:
        return "-"
    if value < 0.1:
        return f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:,.0f} s"


def duration(value: float) -> str:
    """A time to wait: "28 s", "3 min 05 s", "2 h 07 min"."""
    whole = max(0, round(value))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def money(value: Decimal | None) -> str:
    """US dollars: "$12.34", below one dollar "$0.0123"; "unknown" for None."""
    if value is None:
        return UNKNOWN
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def percent(value: float | None) -> str:
    """ "12.5 %"; "-" for None."""
    return "-" if value is None else f"{100 * value:.1f} %"


def count(value: int) -> str:
    """ "12,345"."""
    return f"{value:,}"


def compact(value: int) -> str:
    """ "950", "12.3k", "4.56M"."""
    if value < 1000:
        return str(value)
    return f"{value / 1000:.1f}k" if value < 999_950 else f"{value / 1_000_000:.2f}M"
