"""The answer to "which method?" in words, the same on the overview and in a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from dashboard.tables import method_title, number, percent, percent_interval
from evaluation.measure.operating_points import pictures_needed, share_interval
from evaluation.measure.recommendation import Candidate, Choice
from evaluation.store.spreadsheet import NOT_AVAILABLE

Say = Callable[..., str]


def answer(
    category: str,
    candidates: Sequence[Candidate],
    choice: Choice,
    allowed: float,
    ms_limit: float | None,
    say: Say,
    said: Say,
) -> list[str]:
    """Return what names the method or says why none can be named, then who was left out and why.

    Parameters
    ----------
    category : str
    candidates : sequence of Candidate
        All that were judged at `allowed`.
    choice : Choice
        Of these candidates.
    allowed : float
        Share of good pictures that may be reported.
    ms_limit : float or None
        Milliseconds per part; None for no limit.
    say, said : callable (key, **values) -> str
        Gives a whole sentence (as Markdown or as plain words), and a part of one as plain words.
    """
    low = [method_title(one.method) for one in candidates if one.held_out_low]
    return [
        _named(category, candidates, choice, say, said),
        *_left_out(choice, allowed, ms_limit, say, said),
        *([say("overview_held_out_low", methods=listed(low))] if low else []),
    ]


def missed(one: Candidate, said: Say, with_interval: bool = True) -> str:
    """Return such as ``2 of 119 (0.2–5.9 %)``; ``n/a`` without a threshold."""
    decisions = one.decisions
    if not decisions.known or not decisions.defective:
        return NOT_AVAILABLE
    text = said("overview_count_of", count=decisions.missed, total=decisions.defective)
    return f"{text} ({percent_interval(*decisions.missed_interval)})" if with_interval else text


def alarms(one: Candidate, said: Say) -> str:
    """Return such as ``1 of 20 (0.1–24.9 %)``; ``n/a`` without threshold or good test pictures."""
    decisions = one.decisions
    if not decisions.known or not decisions.good:
        return NOT_AVAILABLE
    text = said("overview_count_of", count=decisions.false_alarms, total=decisions.good)
    return f"{text} ({percent_interval(*one.alarms_interval)})"


def missed_alike(one: Candidate, said: Say) -> str:
    """Return such as ``2 of 119`` at the same share of the test's good pictures, or ``n/a``."""
    if one.missed_alike is None or not one.defective:
        return NOT_AVAILABLE
    return said("overview_count_of", count=len(one.missed_alike), total=len(one.defective))


def both_missed(one: Candidate, said: Say) -> str:
    """Return ``missed`` with what is missed at equal false alarms, where that is known."""
    text = missed(one, said)
    if one.missed_alike is None:
        return text
    return said("overview_both_missed", missed=text, alike=len(one.missed_alike))


def listed(parts: Iterable[str]) -> str:
    """Return the parts separated by semicolons, as they have commas of their own."""
    return "; ".join(parts)


def _named(
    category: str, candidates: Sequence[Candidate], choice: Choice, say: Say, said: Say
) -> str:
    first = choice.first
    if first is None:
        if not any(one.decisions.defective for one in candidates):
            return say("overview_no_defective", category=category)
        return say("overview_none_left", category=category)
    values = {
        "category": category,
        "method": method_title(first.method),
        "missed": missed(first, said),
        "others": _all_missed([rival.other for rival in choice.rivals if rival.paired], said),
    }
    if not choice.rivals:
        return say("overview_only", **values)
    if len(choice.unpaired) == len(choice.rivals):
        return say("overview_unpaired_all", **values, methods=_all_missed(choice.unpaired, said))
    if choice.tied:
        return _tie(first, choice, values, say, said)
    return say("overview_best" if first.missed_alike is None else "overview_best_alike", **values)


def _tie(first: Candidate, choice: Choice, values: dict[str, str], say: Say, said: Say) -> str:
    counts = {"defective": len(first.defective), "good": first.decisions.good}
    values |= {"missed": both_missed(first, said)}
    values["others"] = _all_missed(choice.tied, said, both_missed)
    sentences = [say("overview_tied", **values, **counts)]
    quickest = min(choice.tied, key=lambda one: (math.isnan(one.ms), one.ms))
    if quickest.ms < first.ms:
        total = first.decisions.defective
        only_here = len(quickest.missed - first.missed)
        sentences.append(
            say(
                "overview_quicker",
                method=method_title(quickest.method),
                ms=number(quickest.ms, 0),
                first=method_title(first.method),
                first_ms=number(first.ms, 0),
                more=only_here,
                total=total,
                most=percent(share_interval(only_here, total)[1]),
            )
        )
    if worse := [one.other for one in choice.rivals if one.told_apart]:
        sentences.append(say("overview_worse", methods=_all_missed(worse, said)))
    return " ".join(sentences)


def _left_out(
    choice: Choice, allowed: float, ms_limit: float | None, say: Say, said: Say
) -> list[str]:
    """Return a sentence for each reason why a method is not, or not fully, in the comparison."""
    lines = []
    rate = percent(allowed)
    if choice.over_limit:
        reported = listed(
            said("overview_alarms_of", method=method_title(one.method), alarms=alarms(one, said))
            for one in choice.over_limit
        )
        lines.append(say("overview_over_limit", methods=reported, rate=rate))
    if choice.unpaired and len(choice.unpaired) < len(choice.rivals):
        lines.append(say("overview_unpaired", methods=_all_missed(choice.unpaired, said)))
    if choice.unchecked:
        names = listed(method_title(one.method) for one in choice.unchecked)
        lines.append(say("overview_unchecked", methods=names))
    if choice.without_threshold:
        held_out = listed(
            said("overview_held_out_of", method=method_title(one.method), count=one.held_out)
            for one in choice.without_threshold
        )
        needed = pictures_needed(allowed)
        lines.append(say("overview_without_threshold", methods=held_out, rate=rate, needed=needed))
    if ms_limit is not None and choice.too_slow:
        times = listed(
            said("overview_time_of", method=method_title(one.method), ms=number(one.ms, 1))
            for one in choice.too_slow
        )
        lines.append(say("overview_too_slow", methods=times, limit=number(ms_limit, 1)))
    return lines


def _all_missed(
    candidates: Iterable[Candidate], said: Say, counted: Callable[[Candidate, Say], str] = missed
) -> str:
    return listed(f"{method_title(one.method)} {counted(one, said)}" for one in candidates)
