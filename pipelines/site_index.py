"""An index over the words of every firm, brought up to date from the table ``pages`` before it is asked.

A firm is indexed as it is classified: all its pages but legal and contact ones, as one text. SQLite's full-text index
takes no part in cutting words: it is given those of ``labels.words``, so that it finds what reading would find.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from labels.full_text_query import TOKENIZER
from labels.words import words_of
from pipelines import following
from pipelines.derived import Derived, SpoiltContentError
from pipelines.following import Progress, bring_up_to_date, no_progress
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.features import FirmText
    from pipelines.figures import Moment

FORMAT = 1  # of the tables below and of the rules for words; a higher one makes every index anew
PLACES = 1 << 20  # more than a firm has words: the most that is read of it are 400,000 characters
COMPRESSION = 1  # zlib's fastest: half the size of the text

SCHEMA = f"""
{following.SCHEMA}
create table pages (row integer primary key, pages blob not null);
create virtual table words using fts5 (said, content = '', tokenize = "{TOKENIZER}");
"""

Pages = list[tuple[str, str]]  # address and text, as far as they are indexed
Answer = TypeVar("Answer")


class SiteIndex:
    """The index as of one moment; handed out by ``asking_index``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Args: a connection in a transaction."""
        self._connection = connection

    @property
    def firms(self) -> int:
        """Firms that have words."""
        return int(self._connection.execute("select count(*) from firms").fetchone()[0])

    def count(self, expression: str) -> int:
        """Firms that answer a full-text query."""
        found = self._connection.execute("select count(*) from words where words match ?", (expression,))
        return int(found.fetchone()[0])

    def best(self, expression: str, limit: int = -1) -> list[tuple[int, str]]:
        """Row and firm_id of those firms, by BM25, then by firm_id; all of them without a limit."""
        found = self._connection.execute(
            "select firms.row, firms.firm_id from words join firms on firms.row = words.rowid where words match ? "
            "order by bm25(words), firms.firm_id limit ?",
            (expression, limit),
        )
        return list(found)

    def rows(self, expression: str | None = None) -> set[int]:
        """Rows of those firms; of all without a query."""
        if expression is None:
            found = self._connection.execute("select row from firms")
        else:
            found = self._connection.execute("select rowid from words where words match ?", (expression,))
        return {row for (row,) in found}

    def places(self, word: str) -> NDArray[np.int64]:
        """Where a word, or a beginning that ends in ``*``, stands: ``row * PLACES + place in it``, in no order."""
        import numpy as np

        self._connection.execute(
            "create virtual table if not exists temp.places using fts5vocab (main, words, instance)"
        )
        first, last = (word[:-1], word[:-1] + chr(sys.maxunicode)) if word.endswith("*") else (word, word)
        found = self._connection.execute(
            "select doc * ? + offset from temp.places where term >= ? and term <= ?", (PLACES, first, last)
        )
        return np.fromiter((place for (place,) in found), dtype=np.int64)

    def pages(self, row: int) -> Pages:
        """A firm's pages."""
        return _held_pages(self._connection, row)


def asking_index(workspace: Workspace, ask: Callable[[SiteIndex], Answer], progress: Progress = no_progress) -> Answer:
    """Bring the index up to date, and ask it; ``progress`` is told of firms indexed and to index, shard by shard.

    Raises:
        UsageError: The folder is no workspace.
        OutOfSpaceError: The index does not fit on the disk.
    """
    workspace.require()
    derived = site_index(workspace)

    def work(connection: sqlite3.Connection) -> Answer:
        bring_up_to_date(derived, connection, workspace, _Words(), progress)
        connection.execute("begin")  # ends with the connection
        return ask(SiteIndex(connection))

    return derived.using(work)


def site_index(workspace: Workspace) -> Derived:
    """Where the index is, and what makes it another: the release's rules for words and pages."""
    from classifier.features import MAX_FIRM_CHARS, SILENT_KINDS

    rules = [FORMAT, unicodedata.unidata_version, MAX_FIRM_CHARS, *sorted(SILENT_KINDS)]
    return Derived(workspace.index_folder / "words.db", SCHEMA, json.dumps(rules))


def indexed_pages(firm: FirmText) -> Pages:
    """The pages whose texts, joined by line breaks, are ``classifier.features.firm_words``."""
    from classifier.features import MAX_FIRM_CHARS, speaking_pages

    left, found = MAX_FIRM_CHARS, Pages()
    for page in speaking_pages(firm):
        if left <= 0:
            break
        found.append((page.url, page.text[:left]))
        left -= len(page.text) + 1
    return found


def firm_said(pages: Sequence[tuple[str, str]]) -> str:
    """The text of a firm that rules are about."""
    return "\n".join(text for _, text in pages)


class _Words:
    """What the index keeps of a firm: its words, and its pages for showing where they stand."""

    tables = ("pages",)

    def add(self, connection: sqlite3.Connection, row: int, firm: FirmText) -> None:
        pages = indexed_pages(firm)
        packed = zlib.compress(json.dumps(pages).encode(), COMPRESSION)
        connection.execute("insert into pages values (?, ?)", (row, packed))
        connection.execute("insert into words (rowid, said) values (?, ?)", (row, _said(pages)))

    def remove(self, connection: sqlite3.Connection, row: int) -> None:
        said = _said(_held_pages(connection, row))  # the index keeps no text, and has to be told what leaves it
        connection.execute("insert into words (words, rowid, said) values ('delete', ?, ?)", (row, said))
        connection.execute("delete from pages where row = ?", (row,))

    def end_shard(self, connection: sqlite3.Connection, moment: Moment, shard: int) -> None:
        pass

    def end_first(self, connection: sqlite3.Connection) -> None:
        connection.execute("insert into words (words) values ('optimize')")


def _said(pages: Pages) -> str:
    return " ".join(words_of(firm_said(pages)))


def _held_pages(connection: sqlite3.Connection, row: int) -> Pages:
    packed = connection.execute("select pages from pages where row = ?", (row,)).fetchone()[0]
    try:
        return [(url, text) for url, text in json.loads(zlib.decompress(packed))]
    except (zlib.error, ValueError) as error:
        raise SpoiltContentError(f"pages of row {row}: {error}") from error
