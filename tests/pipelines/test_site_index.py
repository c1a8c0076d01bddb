"""The index answers as reading every firm would, whatever was committed, killed, damaged or asked meanwhile."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.features import MAX_FIRM_CHARS, FirmPage, FirmText, firm_words
from labels.keyword_matching import IndexedText
from labels.keywords import KeywordError, parse_rule
from pipelines.firm_texts import firm_texts
from pipelines.searching import count_firms, search_firms
from pipelines.setup import create_workspace
from pipelines.site_index import firm_said, indexed_pages, site_index
from pipelines.workspace import Workspace
from tests.pipelines.sites import put_pages

WORDS = ["heat", "heated", "pump", "pumps", "C++", "Caf\u00e9", "and", "R&D", "5G", "e-bike", "\u4e2d", "heat-pump"]
RULES = [
    "heat", "heat*", "heat pump*", "hea* pum*", "p* C++", "cafe AND 5G", "R&D NOT pump*", "NEAR(heat pump*, 2)",
    'NEAR("hea* pump" cafe, 3)', "heat AND (pump OR NOT 5G)", "e-bike* OR \u4e2d", "hea* pump* NOT hea* heat*",
    "x AND y", "NOT (NOT heat)", '"and heat" OR (5G NOT (C++ NOT cafe))', "bread*", "NEAR(heat pump cafe, 4)",
    "(" * 40 + "heat" + ")" * 40, "pump AND (heat NOT " * 30 + "5G" + ")" * 30,
]  # fmt: skip


def made(seed: int, firms: int) -> dict[str, list[tuple[str, str]]]:
    draw = random.Random(seed)
    kinds = ["home", "about", "legal", "contact", "product"]
    return {
        f"f{number:03}": [
            (kinds[page] if page else draw.choice(kinds), " ".join(draw.choices(WORDS, k=draw.randint(0, 9))))
            for page in range(draw.randint(1, 4))
        ]
        for number in range(firms)
    }


def drawn_rules(seed: int, number: int) -> list[str]:
    """Rules put together at random, those that can be read."""
    draw, found = random.Random(seed), list[str]()
    parts = [*WORDS, "hea*", "p*", '"heat pump"', "AND", "OR", "NOT", "(", ")", "NEAR(hea* pump, 1)"]
    while len(found) < number:
        rule = " ".join(draw.choices(parts, k=draw.randint(1, 7)))
        try:
            parse_rule(rule)
        except KeywordError:
            continue
        found.append(rule)
    return found


def read(workspace: Workspace, rule: str) -> set[str]:
    """Firms that meet a rule, by reading all of them."""
    workspace.lake.close()
    parsed = parse_rule(rule)
    texts = firm_texts(workspace.lake)
    return {firm_id for firm_id, firm in texts.items() if parsed.matches(IndexedText(firm_words(firm)))}


def searched(workspace: Workspace, rule: str) -> set[str]:
    found = search_firms(workspace, rule, None)
    assert found.total == len(found.hits)
    return {hit.firm_id for hit in found.hits}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Sixty firms' random words, indexed and then changed: a third rewritten, some gone, some new."""
    folder = tmp_path_factory.mktemp("index")
    create_workspace(folder / "ws", "midlands")
    workspace = Workspace(folder / "ws")
    put_pages(workspace, made(0, 50))
    assert search_firms(workspace, "heat").searched == 50
    changed = {
        firm_id: pages for firm_id, pages in made(1, 60).items() if int(firm_id[1:]) % 3 == 0 or firm_id >= "f050"
    }
    put_pages(workspace, changed, gone=["f001", "f002"])
    yield workspace
    workspace.lake.close()


@pytest.mark.parametrize("rule", RULES, ids=range(len(RULES)))
def test_searching_finds_what_reading_finds(sites: Workspace, rule: str) -> None:
    assert searched(sites, rule) == read(sites, rule)


def test_searching_finds_what_reading_finds_for_rules_drawn_at_random(sites: Workspace) -> None:
    rules = drawn_rules(0, 200)
    texts = {firm_id: IndexedText(firm_words(firm)) for firm_id, firm in firm_texts(sites.lake).items()}
    counted, firms = count_firms(sites, [parse_rule(rule) for rule in rules])
    assert firms == len(texts)
    expected = [sum(parse_rule(rule).matches(text) for text in texts.values()) for rule in rules]
    assert counted == expected
    assert len({*expected}) > 20  # of all kinds: rare and frequent


def test_hits_are_the_first_of_all_and_come_in_one_order(sites: Workspace) -> None:
    every = search_firms(sites, "hea* pump* OR cafe", None)
    assert every.total > 5
    first = search_firms(sites, "hea* pump* OR cafe", 5)
    assert (first.total, first.hits) == (every.total, every.hits[:5])
    site_index(sites).path.unlink()
    assert search_firms(sites, "hea* pump* OR cafe", None) == every


def test_a_hit_shows_a_page_that_is_the_firms_own(workspace: Workspace) -> None:
    pages = [("home", "Welcome."), ("legal", "Our heat pump terms."), ("product", "A heat pump, e.g. the HP-5.")]
    put_pages(workspace, {"a": pages, "b": [("contact", "Ask for a heat pump.")]})
    found = {hit.firm_id: hit for hit in search_firms(workspace, "heat pump").hits}
    assert found["a"].url == "https://a.example/2"
    assert found["a"].snippet == (("A ", False), ("heat pump", True), (", e.g. the HP-5.", False))
    assert found["b"].url == "https://b.example/0"  # nothing else is there to be read
    assert searched(workspace, "terms") == set()
    workspace.lake.close()


def test_a_long_firm_is_indexed_as_far_as_it_is_classified() -> None:
    pages = (
        FirmPage("u", "home", "word " * 60_000),
        FirmPage("v", "about", "x" * 99_990),
        FirmPage("w", "about", "end " * 9),
    )
    firm = FirmText("a", (*pages, FirmPage("z", "legal", "legal"), FirmPage("y", "about", "never")))
    assert firm_said(indexed_pages(firm)) == firm_words(firm)
    assert len(firm_said(indexed_pages(firm))) == MAX_FIRM_CHARS


def test_what_is_up_to_date_is_not_written_again(workspace: Workspace) -> None:
    put_pages(workspace, made(2, 5))
    search_firms(workspace, "heat")
    told: list[tuple[int, int]] = []
    search_firms(workspace, "heat", progress=lambda done, total: told.append((done, total)))
    assert told == []
    put_pages(workspace, {"f001": [("home", "Bread, only bread.")]})
    assert searched(workspace, "only bread") == {"f001"}
    search_firms(workspace, "heat", progress=lambda done, total: told.append((done, total)))
    put_pages(workspace, {"f009": [("home", "Bread.")]})
    search_firms(workspace, "heat", progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 1), (1, 1)]  # the new firm alone
    workspace.lake.close()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(4096, len(content) - 2048, 4096):
        content[place : place + 2048] = os.urandom(2048)
    path.write_bytes(content)


def with_a_page_changed(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("update pages set pages = substr(pages, 1, length(pages) - 3) || 'xyz'")
    connection.commit()
    connection.close()


def of_another_version(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("update about set value = 'old' where key = 'version'")
    connection.execute("delete from firms")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(Path.unlink, id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"no database at all" * 500), id="no database"),
        pytest.param(truncated, id="truncated"),
        pytest.param(overwritten, id="overwritten"),
        pytest.param(with_a_page_changed, id="a page changed"),
        pytest.param(of_another_version, id="another version"),
    ],
)
def test_a_spoilt_index_is_made_anew(sites: Workspace, spoil: object) -> None:
    assert callable(spoil)
    expected = searched(sites, "heat*")
    path = site_index(sites).path
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    spoil(path)
    assert searched(sites, "heat*") == expected == read(sites, "heat*")


SEARCH = """
import sys
from pathlib import Path
from pipelines.searching import search_firms
from pipelines.workspace import Workspace
print(search_firms(Workspace(Path(sys.argv[1])), sys.argv[2], 3).total)
"""


def in_a_process(workspace: Workspace, rule: str, crash_at: str = "") -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", SEARCH, str(workspace.folder), rule]
    environment = {**os.environ, "FIRMSCOPE_CRASH_AT": crash_at}
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


def test_killed_in_a_build_it_goes_on(workspace: Workspace) -> None:
    put_pages(workspace, made(4, 40))
    for crash_at in ("indexed-block", "indexed"):  # in the first build, after a block; at the end of a later one
        workspace.lake.close()
        killed = in_a_process(workspace, "heat*", crash_at)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        assert searched(workspace, "bread OR heat*") == read(workspace, "bread OR heat*") != set()
        put_pages(workspace, {"f001": [("home", "bread")]}, gone=["f002"])
    assert "f001" in searched(workspace, "bread")
    workspace.lake.close()


def test_two_readers_build_it_once_and_both_get_all(workspace: Workspace) -> None:
    put_pages(workspace, made(5, 100))
    expected = read(workspace, "heat*")
    workspace.lake.close()
    found: list[set[str]] = []
    told: list[int] = []

    def ask() -> None:
        result = search_firms(Workspace(workspace.folder), "heat*", None, lambda done, _total: told.append(done))
        found.append({hit.firm_id for hit in result.hits})

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [expected, expected]
    assert told.count(0) == workspace.lake.shards  # one of them did it all


def test_a_reader_sees_old_words_or_new_ones_while_they_change(workspace: Workspace) -> None:
    everyone = [f"f{number:03}" for number in range(60)]
    put_pages(workspace, {firm_id: [("home", "old words")] for firm_id in everyone})
    search_firms(workspace, "old")
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def ask() -> None:
        other = Workspace(workspace.folder)
        while not stop.is_set():
            old, new = count_firms(other, [parse_rule("old"), parse_rule("new")])[0]
            seen.add((old, new))

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    for word in ("new", "old", "new"):
        put_pages(workspace, {firm_id: [("home", f"{word} words")] for firm_id in everyone})
    stop.set()
    for reader in readers:
        reader.join()
    assert seen <= {(60, 0), (0, 60)}
    assert seen
    workspace.lake.close()
