"""Facts cross from one part of the program to another as a code with values.

What is wrong, why a cell was left out, what a run is doing: each is told as a ``Fact`` and worded
where it is shown, in English on the command line and in the reader's language on the pages.
``ENGLISH`` has the one English wording of every code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENGLISH: dict[str, str] = tomllib.loads(
    Path(__file__).with_name("facts.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Fact:
    """Something that is told; ``str()`` words it in English.

    Attributes
    ----------
    code : str
        One of ``ENGLISH``.
    values : mapping
        Texts, numbers and further facts that the wording fills in.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return worded(self, lambda code: ENGLISH[code])


class Fault(ValueError):
    """An error that tells a fact: what is wrong, where, and what to do."""

    def __init__(self, told: str | Fact, **values: object) -> None:
        self.fact = told if isinstance(told, Fact) else fact(told, **values)
        super().__init__(str(self.fact))


def fact(code: str, **values: object) -> Fact:
    """Return a fact; what is neither number nor fact among its values is kept as text."""
    kept = (int, float, Fact)
    return Fact(code, {n: one if isinstance(one, kept) else str(one) for n, one in values.items()})


def worded(told: Fact, wording: Callable[[str], str]) -> str:
    """Return a fact in words.

    Parameters
    ----------
    told : Fact
    wording : callable
        Gives the text of a code, with a placeholder for each value.
    """
    values = {
        name: worded(value, wording) if isinstance(value, Fact) else value
        for name, value in told.values.items()
    }
    return wording(told.code).format(**values)


def fact_of(error: BaseException) -> Fact:
    """Return what an error tells."""
    if isinstance(error, Fault):
        return error.fact
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return fact("system", message=error.strerror, where=where)
    message = " ".join(str(error).split()) or "no details given"
    if isinstance(error, (ValueError, OSError, RuntimeError)):
        return fact("plain", message=message)
    return fact("unexpected", kind=type(error).__name__, message=message)


def from_json(content: Any) -> Fact:
    """Return the fact of which ``dataclasses.asdict`` gave the content.

    Raises
    ------
    ValueError
        If it is none, or one that cannot be worded.
    """
    try:
        values = {
            str(name): from_json(value) if isinstance(value, dict) else value
            for name, value in content["values"].items()
        }
        told = Fact(content["code"], values)
        str(told)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        raise ValueError("This is no fact.") from error
    return told
