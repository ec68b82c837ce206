"""Facts keep their values on the way, and each one that is told can be worded in every language."""

from __future__ import annotations

import ast
import errno
import importlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from string import Formatter

import pytest

from data_utils.facts import ENGLISH, Fault, fact, fact_of, from_json

PROJECT = Path(__file__).resolve().parents[1]
LOST = fact("given_up", tries=3, reason=fact("worker_error", error="\udcff 나사"))


def placeholders(wording: str) -> set[str]:
    """Return the names of the values that a wording fills in."""
    return {name for _, name, _, _ in Formatter().parse(wording) if name}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the program's modules but the one that words the facts."""
    folders = ("data_utils", "detectors", "evaluation", "dashboard", "pages")
    modules = [path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py"))]
    for path in (PROJECT / "evaluate.py", *modules):
        if path.name != "facts.py":
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def told() -> Iterator[tuple[str, str, set[str]]]:
    """Yield place, code and names of the values of every fact whose values stand in the source."""
    for path, module in sources():
        for node in ast.walk(module):
            match node:
                case ast.Call(args=[*_, ast.Constant(value=str(code))], keywords=given):
                    names = [word.arg for word in given]
                    if code in ENGLISH and None not in names:
                        place = f"{path.relative_to(PROJECT)}:{node.lineno}"
                        yield place, code, set(map(str, names))


def test_a_fact_is_the_same_after_the_way_through_json() -> None:
    assert from_json(json.loads(json.dumps(asdict(LOST)))) == LOST
    assert str(LOST).startswith("given up after 3 tries: the process that made it reports: ")


@pytest.mark.parametrize(
    "content",
    [
        None,
        "given_up",
        {},
        {"code": "unheard_of", "values": {}},
        {"code": "given_up", "values": {"tries": 3}},
        {"code": ["given_up"], "values": {}},
        {"code": "given_up", "values": {"tries": 3, "reason": {"code": "unheard_of"}}},
    ],
)
def test_what_is_no_fact_or_cannot_be_worded_is_refused(content: object) -> None:
    with pytest.raises(ValueError, match="no fact"):
        from_json(content)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Fault("cell_changed", path="a.json"), "a.json was changed after the evaluation; evaluate"),
        (OSError(errno.ENOSPC, "No space", "x"), "The system reports: No space (x)."),
        (ValueError("two\n lines"), "two lines"),
        (ValueError(), "no details given"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_every_error_is_told_in_one_line(error: Exception, words: str) -> None:
    assert str(fact_of(error)).startswith(words)


def test_every_fact_that_is_told_can_be_worded_with_the_values_it_has() -> None:
    wrong = [(place, code) for place, code, names in told() if names != placeholders(ENGLISH[code])]
    assert wrong == []


def test_every_wording_is_of_a_fact_that_is_told() -> None:
    constants = {
        node.value
        for _, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert ENGLISH.keys() - constants == {"plain", "unexpected"}


def kinds_of(fault: type[Fault]) -> Iterator[str]:
    """Yield the names of all errors that tell a fact."""
    for kind in fault.__subclasses__():
        yield kind.__name__
        yield from kinds_of(kind)


def test_every_error_that_tells_a_fact_is_given_one_that_has_a_wording() -> None:
    importlib.import_module("evaluate")
    errors = set(kinds_of(Fault))
    for path, module in sources():
        for node in ast.walk(module):
            match node:
                case ast.Call(
                    func=ast.Name(id=name), args=[ast.JoinedStr() | ast.Constant() as given, *_]
                ) if name in errors:
                    assert getattr(given, "value", "") in ENGLISH, f"{path}:{node.lineno}"
