"""Drawings of one kind each; ``sheet`` puts them together."""
