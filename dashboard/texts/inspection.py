"""Texts of the inspect page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
