"""Write one self-contained HTML page: escaped, its style inside and allowed by hash, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.atomic import replacing
from pipelines.outside_text import encodable

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def write_page(
    page: Path, template: str, styles: Sequence[str], filters: Mapping[str, Callable[..., Any]],
    scripts: Sequence[str] = (), **content: object,
) -> Path:  # fmt: skip
    """Render a template into ``page``, whose folder is made when missing; the same content, the same bytes.

    Args:
        page: File to write.
        template: Name of the template; it extends ``frame.html.j2``, which allows its style and script by hash.
        styles: Names of style sheets, joined in this order.
        filters: What the template may apply, beside Jinja's own.
        scripts: Names of scripts, joined in this order, allowed by hash; none may need anything from elsewhere.
        content: What the template shows; all of it is escaped.

    Returns:
        ``page``.
    """
    from markupsafe import Markup

    style, script = style_sheet(*styles), style_sheet(*scripts)
    html = _environment(tuple(filters.items())).get_template(template).render(
        style=Markup(style),  # noqa: S704 - our own files
        style_hash=_hash(style),
        script=Markup(script),  # noqa: S704 - our own files
        script_hash=_hash(script),
        **content,
    )  # fmt: skip
    page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as stream:
        stream.write(encodable(html).encode())
    return page


def style_sheet(*names: str) -> str:
    """Style sheets, or scripts, of ``templates`` as one."""
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


@cache
def _environment(filters: tuple[tuple[str, Callable[..., Any]], ...]) -> Environment:
    """One for all pages of a kind: a template is compiled once, which takes longer than to fill it in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters)
    return environment


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
