"""Parse an XML document from strangers into a tree: no entity is expanded, no DTD loaded, nothing fetched.

The prolog goes through expat first, which reads every encoding that lxml reads: a search for "<!ENTITY" in the bytes
would miss a document in UTF-16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from lxml.etree import _Element

# The largest filings carry pictures of 10 to 30 MB; a tree takes about five times its document.
MAX_BYTES = 50 * 2**20
_BLOCK = 2**14


class FilingError(Exception):
    """A filing that gives no figures; ``reason`` is the word under which it is counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Args: one word; what was seen."""
        super().__init__(detail or reason)
        self.reason, self.detail = reason, detail


def parsed(document: bytes) -> _Element:
    """Root of a document.

    Raises:
        FilingError: ``too_large``, ``not_xml``, or ``entities`` for a document that declares its own.
    """
    from lxml import etree

    if len(document) > MAX_BYTES:
        raise FilingError("too_large", f"{len(document):,} bytes, at most {MAX_BYTES:,} are read")
    _refuse_declarations(document)
    # huge_tree: pictures inside are longer than libxml2's 10 MB for one attribute; what it lets through besides, the
    # entities, cannot be there any more.
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)
    try:
        return etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FilingError("not_xml", str(error)) from error


class _RootSeenError(Exception):
    """The prolog is over."""


def _refuse_declarations(document: bytes) -> None:
    parser = expat.ParserCreate()

    def doctype(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
        if has_subset:
            raise FilingError("entities", "a DOCTYPE with declarations of its own, which no accounts need")

    def entity(*_: object) -> None:
        raise FilingError("entities", "an ENTITY declaration, which no accounts need")

    def element(_name: str, _attributes: object) -> None:
        raise _RootSeenError

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = entity
    parser.StartElementHandler = element
    try:
        for at in range(0, len(document), _BLOCK):
            parser.Parse(document[at : at + _BLOCK], False)
        parser.Parse(b"", True)
    except _RootSeenError:
        return
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise FilingError("not_xml", str(error)) from error
