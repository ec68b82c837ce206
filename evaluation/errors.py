"""Errors as sentences for people."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A cluster that cannot be used, or is gone; the message is a full sentence."""


def sentence(error: Exception) -> str:
    """Return one line that tells a person what went wrong."""
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"The system reports: {error.strerror}{where}."
    text = " ".join(str(error).split()) or "no details given"
    return (
        text if isinstance(error, (ValueError, RuntimeError)) else f"{type(error).__name__}: {text}"
    )
