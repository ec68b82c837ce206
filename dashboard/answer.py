"""The answer to "which method?" in words, the same on the overview and in a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from dashboard.tables import method_title, number, percent, percent_interval
from evaluation.measure.operating_points import pictures_needed
from evaluation.measure.recommendation import Candidate, Choice, Comparison, PictureTime
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
    return [
        _named(category, candidates, choice, say, said),
        *_left_out(choice, allowed, ms_limit, say, said),
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


def spoken_time(time: PictureTime, said: Say) -> str:
    """Return such as ``27 ms (95th percentile 29 ms)``."""
    return said("time_alone", ms=number(time.ms, 0), p95=number(time.p95_ms, 0))


def listed(parts: Iterable[str]) -> str:
    """Return the parts separated by semicolons, as they have commas of their own."""
    return "; ".join(parts)


def _named(
    category: str, candidates: Sequence[Candidate], choice: Choice, say: Say, said: Say
) -> str:
    best = choice.best
    if best is None:
        if not any(one.decisions.defective for one in candidates):
            return say("overview_no_defective", category=category)
        return say("overview_none_left", category=category)
    if choice.tied:
        return _tie(category, best, choice, say, said)
    values = {
        "category": category,
        "method": method_title(best.method),
        "missed": missed(best, said),
    }
    if not choice.rivals:
        return say("overview_only", **values)
    text = say("overview_best", others=_all_missed(_others(choice.rivals), said), **values)
    paired = any(rival.overlap for rival in choice.rivals)
    return f"{text} {say('overview_paired')}" if paired else text


def _tie(category: str, best: Candidate, choice: Choice, say: Say, said: Say) -> str:
    level = [best, *_others(choice.tied)]
    values = {"category": category, "methods": _all_missed(level, said)}
    if all(rival.overlap for rival in choice.tied):
        sentences = [say("overview_tied_overlap", **values)]
    else:
        sentences = [say("overview_tied", **values)]
    quickest = min(level, key=lambda one: (math.isnan(one.ms), one.ms))
    if not math.isnan(quickest.ms):
        title, time = method_title(quickest.method), spoken_time(quickest.time, said)
        sentences.append(say("overview_quickest", method=title, time=time))
    worse = [one for one in _others(choice.rivals) if one not in level]
    if worse:
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
    if ms_limit is not None:
        lines += [
            say(key, methods=_all_times(slow, said), limit=number(ms_limit, 0))
            for key, slow in (
                ("overview_too_slow", choice.too_slow),
                ("overview_often_slow", choice.often_slow),
            )
            if slow
        ]
    return lines


def _others(comparisons: Iterable[Comparison]) -> list[Candidate]:
    return [one.other for one in comparisons]


def _all_times(candidates: Iterable[Candidate], said: Say) -> str:
    return listed(f"{method_title(one.method)} {spoken_time(one.time, said)}" for one in candidates)


def _all_missed(candidates: Iterable[Candidate], said: Say) -> str:
    return listed(f"{method_title(one.method)} {missed(one, said)}" for one in candidates)
