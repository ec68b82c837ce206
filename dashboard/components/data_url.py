"""Files as addresses that carry their content, for components."""

from __future__ import annotations

import base64


def data_url(content: bytes, kind: str) -> str:
    """Return a picture file as a data URL; `kind` is such as ``png``."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
