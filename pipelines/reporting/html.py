"""Write one self-contained HTML page: escaped, its style inside and allowed by hash, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.atomic import replacing
from pipelines.outside_text import encodable

TEMPLATES = Path(__file__).parent / "templates"


def write_page(
    page: Path, template: str, styles: Sequence[str], filters: Mapping[str, Callable[..., Any]], **content: object
) -> Path:
    """Render a template into ``page``, whose folder is made when missing; the same content, the same bytes.

    Args:
        page: File to write.
        template: Name of the template; it finds its style sheet as ``style`` and ``style_hash``.
        styles: Names of style sheets, joined in this order.
        filters: What the template may apply, beside Jinja's own.
        content: What the template shows; all of it is escaped.

    Returns:
        ``page``.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style = style_sheet(*styles)
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters)
    html = environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 - our own files
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        **content,
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as stream:
        stream.write(encodable(html).encode())
    return page


def style_sheet(*names: str) -> str:
    """Style sheets of ``templates`` as one."""
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
