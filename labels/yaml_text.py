"""Change values in a YAML file where they stand, so that comments, order and layout stay the author's.

PyYAML says between which characters every value stands; the text between is replaced, and nothing else is touched. Who
calls this reads the result again and compares it with what was meant: layouts are endless, and a fault must be loud.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

WIDTH = 110  # of folded texts
Value = str | int | Sequence[str]


@dataclass(frozen=True, order=True)
class Edit:
    """``text`` in the place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; they do not overlap."""
    parts, at = [], 0
    for edit in sorted(set(edits)):
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


def composed(text: str) -> yaml.Node | None:
    """The nodes of a text, with the places of their characters."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # seeds are half a megabyte
    found: yaml.Node | None = yaml.compose(text, Loader=loader)
    return found


def field(mapping: yaml.Node, name: str) -> yaml.Node | None:
    """Value of a mapping's field."""
    return next((value for key, value in mapping.value if key.value == name), None)


def field_edits(text: str, mapping: yaml.MappingNode, name: str, value: Value) -> list[Edit]:
    """Give a field this value; a field that is not there goes to the mapping's end."""
    node = field(mapping, name)
    if node is None:
        return [_appended(text, mapping, name, value)]
    if isinstance(value, str | int):
        return [Edit(node.start_mark.index, _end(text, node), _spaced(text, node, _scalar(value)))]
    return _list_edits(text, node, list(value))


def entry_removed(text: str, entry: yaml.Node) -> Edit:
    """Take an entry of a block list out, with its lines; comments above and below stay."""
    return Edit(_line_start(text, _dash(text, entry)), _line_end(text, entry), "")


def entries_after(text: str, entry: yaml.CollectionNode, entries: Iterable[Mapping[str, Value]]) -> Edit:
    """Put entries behind one of a block list, laid out as this one is."""
    end = _line_end(text, entry)
    dash = _dash(text, entry)
    indent = " " * (dash - _line_start(text, dash))
    lines = "".join(_entry(given, indent, flow=bool(entry.flow_style)) for given in entries)
    return Edit(end, end, lines if text[:end].endswith("\n") else "\n" + lines)


def is_block_list(node: yaml.Node | None) -> bool:
    """Whether a list is written one entry to a ``-``."""
    return isinstance(node, yaml.SequenceNode) and not node.flow_style


def _entry(given: Mapping[str, Value], indent: str, flow: bool) -> str:
    if flow:
        return f"{indent}- {{{', '.join(f'{name}: {_plain(value)}' for name, value in given.items())}}}\n"
    lines = []
    for name, value in given.items():
        if isinstance(value, str) and name == "definition" and value:
            folded = textwrap.wrap(value, WIDTH, break_long_words=False, break_on_hyphens=False)
            lines.append(f"{name}: >-" + "".join(f"\n{indent}    {line}" for line in folded))
        else:
            lines.append(f"{name}: {_plain(value)}")
    return "".join(f"{indent}{'  ' if number else '- '}{line}\n" for number, line in enumerate(lines))


def _appended(text: str, mapping: yaml.MappingNode, name: str, value: Value) -> Edit:
    last_key, last = mapping.value[-1]
    end = _end(text, last)
    quote = '"' if last_key.style == '"' else ""
    if mapping.flow_style:
        return Edit(end, end, f", {quote}{name}{quote}: {_plain(value, quote)}")
    indent = " " * last_key.start_mark.column
    return Edit(end, end, f"\n{indent}{name}: {_plain(value)}")


def _list_edits(text: str, node: yaml.Node, items: list[str]) -> list[Edit]:
    held = node.value if isinstance(node, yaml.SequenceNode) else []
    if held and len(held) == len(items):
        return [
            Edit(item.start_mark.index, _end(text, item), _scalar(word, item.style or ""))
            for item, word in zip(held, items, strict=True)
            if item.value != word
        ]
    written = {item.value: text[item.start_mark.index : _end(text, item)] for item in held}  # with the author's quotes
    if held and items and is_block_list(node):
        if [item.value for item in held if item.value in items] == items:
            return [entry_removed(text, item) for item in held if item.value not in items]
        between = "\n" + " " * node.start_mark.column + "- "
        lines = between.join(written.get(word) or _scalar(word) for word in items)
        return [Edit(node.start_mark.index, _end(text, held[-1]), f"- {lines}")]
    quote = (held[0].style or "") if held else ""
    words = ", ".join(written.get(word) or _scalar(word, quote) for word in items)
    return [Edit(node.start_mark.index, _end(text, node), _spaced(text, node, f"[{words}]"))]


def _spaced(text: str, node: yaml.Node, value: str) -> str:
    """A value in the place of nothing needs a space before it."""
    return f" {value}" if text[node.start_mark.index - 1 : node.start_mark.index] == ":" else value


def _plain(value: Value, quote: str = "") -> str:
    if isinstance(value, str | int):
        return _scalar(value, quote)
    return f"[{', '.join(_scalar(item, quote) for item in value)}]"


def _scalar(value: str | int, quote: str = "") -> str:
    """A value as YAML, quoted where it must be, also inside brackets."""
    if quote == '"':
        written = yaml.safe_dump([value], default_style='"', default_flow_style=True, width=2**31, allow_unicode=True)
    else:
        written = yaml.safe_dump([value], default_flow_style=True, width=2**31, allow_unicode=True)
    return written.strip()[1:-1]


def _end(text: str, node: yaml.Node) -> int:
    """Where a value's last character stands, plus one; a node's own end is that of the blank and comment behind it."""
    children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if block and children:
        return _end(text, children[-1])
    start, end = node.start_mark.index, node.end_mark.index
    return max(start, len(text[:end].rstrip())) if end > start else end


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, node: yaml.Node) -> int:
    end = text.find("\n", _end(text, node))
    return len(text) if end < 0 else end + 1


def _dash(text: str, entry: yaml.Node) -> int:
    return text.rindex("-", 0, entry.start_mark.index)
