"""What is written, once and for good: repeated clicks, two windows, lost answers, kills, full disks, held stores."""

from __future__ import annotations

import fcntl
import os
import random
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from labels.store import Judgement, read_judgements
from pipelines.judgements import current_judgements
from pipelines.labelling.ledger import Ledger, Said, own_note
from pipelines.workspace import Workspace
from tests.pipelines.labelling.conftest import Client, Serve, Served, make_workspace, raw

KILLS = int(os.environ.get("FIRMSCOPE_KILLS", "4"))


def said_of(workspace: Workspace, firm: str, coder: str) -> list[tuple[str, str]]:
    """Labels and notes of a coder on a firm, oldest first."""
    held = read_judgements(workspace.labels_file)
    return [(word.label, word.note) for word in held if (word.firm_id, word.coder) == (firm, coder)]


def test_a_judgement_says_everything(served: Served, small: Workspace) -> None:
    reply = served.enter("anna").judge("f01", "include", "click-a01", why="definition", note=" seen at\nthe fair ")
    assert reply.status == 200, reply.text
    word = next(word for word in read_judgements(small.labels_file) if word.coder == "anna" and word.firm_id == "f01")
    assert (word.sector, word.label, word.taxonomy_version) == ("cyber", "include", "3")
    assert word.note == "asked: definition; seen at the fair"
    assert own_note(word.note) == "seen at the fair"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", word.labelled_on)


def test_the_words_that_were_shown_are_written_down(served: Served, small: Workspace) -> None:
    client = served.enter("digester")
    shown = re.search(r'data-digest="([0-9a-f]{64})"', client.get("/?sector=cyber&firm=f02").text)
    assert shown
    client.judge("f02", "include", "click-d01", digest=shown.group(1))
    held = next(word for word in read_judgements(small.labels_file) if word.coder == "digester")
    from pipelines.firm_texts import site_digests

    assert held.text_digest == site_digests(small.lake)["f02"]


def test_several_sectors_at_once(served: Served, small: Workspace) -> None:
    client = served.enter("several")
    body = {"click": "click-s01", "firm": "f03", "sector": "cyber", "why": "random",
            "labels": {"cyber": "exclude", "space": "exclude"}, "seen": {}}  # fmt: skip
    assert client.post("/judge", body).status == 200
    words = {word.sector: word for word in read_judgements(small.labels_file) if word.coder == "several"}
    assert {key: word.note for key, word in words.items()} == {"cyber": "asked: random", "space": ""}


@pytest.mark.parametrize(
    "change",
    [
        {"click": "short"}, {"firm": ""}, {"labels": {}}, {"labels": {"cyber": "yes"}}, {"labels": {"none": "include"}},
        {"digest": "x"}, {"extra": 1}, {"labels": {"cyber": "include"}, "note": "n" * 1_501}, {"firm": "stranger"},
        {"sector": "nothing"}, {"seen": {"cyber": "perhaps"}}, {"labels": None}, {"click": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_judgement_is_refused(served: Served, small: Workspace, change: dict[str, object]) -> None:
    before = small.labels_file.read_bytes() if small.labels_file.exists() else b""
    body = {"click": "click-w01", "firm": "f04", "sector": "cyber", "labels": {"cyber": "include"}, "seen": {}}
    reply = served.enter("wrong").post("/judge", body | change)
    assert reply.status in (400, 422)
    assert "Traceback" not in reply.text
    assert (small.labels_file.read_bytes() if small.labels_file.exists() else b"") == before


def test_nobody_judges_without_a_name(served: Served) -> None:
    reply = served.enter().judge("f04", "include", "click-n01")
    assert (reply.status, "name" in reply.text) == (422, True)


def test_p05_looking_changes_nothing(served: Served, small: Workspace) -> None:
    client = served.enter("looker")
    files = (small.labels_file, small.taxonomy_file, small.config_file)
    before = [path.read_bytes() if path.exists() else b"" for path in files], small.lake.snapshots()
    paths = ["/", "/?sector=cyber", "/?sector=cyber&mode=second", "/?sector=cyber&firm=f05", "/?sector=space&firm=gone",
             "/who", "/view?sector=cyber&firm=f05", "/progress?sector=cyber", "/members?sector=cyber",
             "/search?sector=cyber&q=malware", "/search?sector=cyber&q=(malware", "/similar?sector=cyber&firm=f05",
             "/retraining?sector=cyber", "/judge", "/undo", "/skip", "/retrain", "/coder"]  # fmt: skip
    statuses = {path: client.get(path).status for path in paths}
    assert statuses == {
        path: 405 if path[1:] in ("judge", "undo", "skip", "retrain", "coder") else 200 for path in paths
    }
    after = [path.read_bytes() if path.exists() else b"" for path in files], Workspace(small.folder).lake.snapshots()
    assert after == before


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (f"Content-Length: {1024**3}", b"{}", 413),
        ("Content-Length: 65537", b"{}", 413),
        (
            "Transfer-Encoding: chunked",
            b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n" + b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n",
            413,
        ),
        ("Content-Length: 60000", b"[" * 60_000, 400),
        ("Content-Length: 60010", b'{"name": "' + b"n" * 60_000, 400),
        ("Content-Length: -1", b"{}", 400),
    ],
    ids=["1 GB", "too long", "chunks", "nested", "long name", "negative"],
)
def test_p08_bodies_are_bounded(served: Served, headers: str, body: bytes, expected: int) -> None:
    assert raw(served.port, _post(served, "/coder", headers) + body).status == expected


def test_p08_many_fields_and_ranges(served: Served) -> None:
    client = served.enter("fields")
    assert client.post("/coder", {str(number): 0 for number in range(5_000)}).status == 400
    fields = "&".join(f"f{number}=1" for number in range(100_000)).encode()
    head = _post(served, "/coder", f"Content-Length: {len(fields)}", "application/x-www-form-urlencoded")
    assert raw(served.port, head + fields).status == 415
    pieces = ",".join(f"{number}-{number}" for number in range(1_000))
    whole = client.get("/assets/page.js", {"Range": f"bytes={pieces}"})
    assert whole.status == 200
    assert len(whole.body) > 5_000
    many = ",".join(f"{number}-{number}" for number in range(10_000))
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    request = (
        f"GET /assets/page.js HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\nRange: bytes={many}"
    )
    reply = raw(served.port, f"{request}\r\nConnection: close\r\n\r\n".encode())
    assert reply.status in (0, 400, 431) or (reply.status, reply.body) == (200, whole.body)


def test_p08_slow_senders_hold_nobody_up(served: Served) -> None:
    waiting = []
    for number in range(50):
        sock = socket.create_connection(("127.0.0.1", served.port))
        whole = _post(served, "/coder", "Content-Length: 1000")
        sock.sendall(whole[: len(whole) // 2] if number % 2 else whole + b'{"na')
        waiting.append(sock)
    client, took = served.enter("quick"), []
    for _ in range(3):
        began = time.monotonic()
        assert client.get("/who").status == 200
        took.append(time.monotonic() - began)
    assert min(took) < 1
    for sock in waiting:
        sock.close()


def _post(served: Served, path: str, headers: str, kind: str = "application/json") -> bytes:
    cookie = "; ".join(f"{name}={value}" for name, value in served.enter().cookies.items())
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nOrigin: {served.origin}\r\nCookie: {cookie}\r\n"
        f"Content-Type: {kind}\r\nConnection: close\r\n{headers}\r\n\r\n"
    ).encode()


def test_p09_a_double_click_is_one_judgement(served: Served, small: Workspace) -> None:
    client = served.enter("double")
    replies: list[int] = []
    threads = [
        threading.Thread(target=lambda: replies.append(client.judge("f06", "include", "click-b01").status))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [200] * 4
    assert said_of(small, "f06", "double") == [("include", "")]


def test_p09_two_windows_that_differ_are_both_shown(served: Served, small: Workspace) -> None:
    client = served.enter("windows")
    assert client.judge("f07", "include", "click-c01").status == 200
    stale = client.judge("f07", "exclude", "click-c02", seen="")
    assert stale.status == 409
    assert "include" in stale.text
    assert "exclude" in stale.text
    assert said_of(small, "f07", "windows") == [("include", "")]
    assert client.judge("f07", "exclude", "click-c02", seen="include").status == 200  # having seen both, insists
    assert said_of(small, "f07", "windows") == [("include", ""), ("exclude", "")]


def test_p09_a_page_left_behind_shows_what_was_said_since(served: Served) -> None:
    client = served.enter("back")
    client.judge("f08", "exclude", "click-e01", note="left behind")
    page = client.get("/?sector=cyber&firm=f08").text
    assert 'data-seen="exclude"' in page
    assert "left behind</textarea>" in page
    assert client.judge("f08", "include", "click-e02", seen="exclude").status == 200


def test_p09_a_lost_answer_is_asked_for_again(serve: Serve, own: Workspace) -> None:
    first = serve(own)
    client = first.enter("anna")
    client.judge("f01", "include", "click-f01")
    assert client.judge("f01", "include", "click-f01").status == 200
    first.kill()
    again = serve(own).enter("anna")  # a new process, which never heard of the click
    assert again.judge("f01", "include", "click-f01").status == 200
    assert said_of(own, "f01", "anna") == [("include", "")]


def test_undo_says_the_former_word_again(served: Served, small: Workspace) -> None:
    client = served.enter("undoer")
    client.judge("f09", "include", "click-g01", note="first")
    client.judge("f09", "exclude", "click-g02", seen="include")
    for click in ("undo-0001", "undo-0001", "undo-0002"):
        client.post("/undo", {"click": click, "sector": "cyber"})
    assert said_of(small, "f09", "undoer") == [
        ("include", "first"), ("exclude", ""), ("include", "first"), ("unsure", "undone"),
    ]  # fmt: skip
    assert client.post("/undo", {"click": "undo-0003", "sector": "cyber"}).status == 422
    assert 'data-seen=""' in client.get("/?sector=cyber&firm=f09").text
    client.judge("f09", "exclude", "click-g03")
    assert said_of(small, "f09", "undoer")[-1] == ("exclude", "")


def test_undo_leaves_alone_what_was_said_since(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    ledger, other = Ledger(workspace), Ledger(workspace)

    def said(click: str, label: str, seen: str) -> Said:
        return Said(click, "anna", "f01", {"cyber": label}, {"cyber": seen}, {}, "")

    assert ledger.say(said("a", "include", "")) == ()
    assert other.say(said("b", "exclude", "include")) == ()
    assert ledger.undo("anna", "c") is not None
    assert [label for label, _ in said_of(workspace, "f01", "anna")] == ["include", "exclude"]


def test_two_coders_are_not_given_one_firm(served: Served) -> None:
    one, two = served.enter("one"), served.enter("two")
    shown = [re.findall(r'data-firm="([^"]*)"', client.get("/?sector=food").text)[0] for client in (one, two)]
    assert shown[0]
    assert shown[0] != shown[1]


def test_a_second_look_does_not_tell_what_the_first_said(served: Served) -> None:
    served.enter("first").post("/judge", {"click": "click-h01", "firm": "f20", "sector": "food",
                                          "labels": {"food": "exclude"}, "seen": {}, "note": "dishes"})  # fmt: skip
    page = served.enter("second").get("/?sector=food&mode=second").text
    assert 'data-firm="f20"' in page
    assert "dishes" not in page
    assert 'data-seen=""' in page
    assert "asked: second opinion" in page


def test_p10_what_was_answered_survives_a_kill(serve: Serve, own: Workspace) -> None:
    chance, answered = random.Random(1), 0
    for seed in range(KILLS):
        served, begun = serve(own), threading.Event()
        acknowledged: list[str] = []

        def work(client: Client, coder: str, found: list[str], started: threading.Event, turn: int) -> None:
            for number in range(1000):
                try:
                    reply = client.judge(f"f{number % 30:02}", ("include", "exclude")[number // 30 % 2],
                                         f"kill-{turn}-{number:04}", ("", "exclude", "include")[_seen(number)],
                                         note=f"{turn}.{number}")  # fmt: skip
                except (OSError, AssertionError):
                    return
                if reply.status == 200:
                    found.append(f"{coder} {turn}.{number}")
                    started.set()

        threads = [
            threading.Thread(target=work, args=(served.enter(coder), coder, acknowledged, begun, seed))
            for coder in (f"a{seed}", f"b{seed}")
        ]
        for thread in threads:
            thread.start()
        assert begun.wait(60)
        time.sleep(chance.random() * 0.15)
        served.kill()
        for thread in threads:
            thread.join()
        held = {f"{word.coder} {word.note}" for word in read_judgements(own.labels_file)}
        assert set(acknowledged) <= held, f"kill {seed}"
        answered += len(acknowledged)
    assert answered >= KILLS


def _seen(number: int) -> int:
    return 0 if number < 30 else 1 + (number // 30) % 2


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py", "/assets/..%2fapp.py", "/assets/%2e%2e/app.py", "/assets/%2e%2e%2fapp.py", "/assets/",
        "/assets//etc/passwd", "/assets/%2fetc%2fpasswd", "/assets/page.js%00", "/assets/..\\app.py",
        "/../../etc/passwd", "/assets/__init__.py",
        "//etc/passwd", "/assets/....//app.py", "/assets/page.js/", "http://127.0.0.1/assets/page.js",
    ],
)  # fmt: skip
def test_p11_nothing_but_the_assets(served: Served, path: str) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in served.enter().cookies.items())
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    reply = raw(served.port, request.encode())
    assert reply.status == 404
    assert "import" not in reply.text
    assert "root:" not in reply.text


def test_p11_a_link_in_the_folder_leads_nowhere(own: Workspace, serve: Serve, tmp_path: Path) -> None:
    (own.report_folder).mkdir(exist_ok=True)
    (own.report_folder / "secret").symlink_to("/etc/passwd")
    assert serve(own).enter().get("/report/secret").status == 404


def test_p12_a_run_is_told_and_judging_goes_on(served: Served, small: Workspace) -> None:
    client = served.enter("nightly")
    assert "A run is at work" not in client.get("/progress?sector=cyber").text
    with small.locked():
        assert "A run is at work" in client.get("/progress?sector=cyber").text
        assert client.judge("f10", "include", "click-i01").status == 200
    assert said_of(small, "f10", "nightly") == [("include", "")]


def test_p12_a_held_store_refuses_and_the_page_still_answers(served: Served, small: Workspace) -> None:
    client, replies = served.enter("held"), []
    client.get("/?sector=cyber&firm=f12")
    with (small.folder / ".labels.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: replies.append(client.judge("f11", "include", "click-j01")))
        waiting.start()
        time.sleep(0.3)
        assert client.get("/?sector=cyber&firm=f12").status == 200
        assert replies == []  # the one is still waiting when the other is done
        waiting.join()
    assert replies[0].status == 423
    assert said_of(small, "f11", "held") == []
    assert client.judge("f11", "include", "click-j01").status == 200  # the same click, once the store is free


def test_p12_a_full_disk_refuses(serve: Serve, own: Workspace) -> None:
    own.labels_file.symlink_to("/dev/full")  # takes nothing: every write fails as on a full disk
    client = serve(own).enter("anna")
    reply = client.judge("f01", "include", "click-k01")
    assert (reply.status, "disk is full" in reply.text) == (507, True)
    own.labels_file.unlink()
    assert client.judge("f01", "include", "click-k01").status == 200
    assert len(current_judgements(own, Ledger(own).taxonomy)) == 1


def test_p13_a_fault_says_neither_path_nor_trace(serve: Serve, own: Workspace) -> None:
    client = serve(own).enter("anna")
    assert client.get("/?sector=cyber&firm=f01").status == 200
    own.labels_file.write_text("nonsense\n")
    broken = client.get("/?sector=cyber&firm=f01")
    (own.lake_folder / "catalog.db").unlink()
    gone = client.get("/members?sector=cyber")
    for reply in (broken, gone):
        assert reply.status in (422, 500)
        for word in ("Traceback", str(own.folder), ".py", "line 2"):
            assert word not in reply.text


def test_a_judgement_is_what_every_stage_reads(served: Served, small: Workspace) -> None:
    served.enter("stage").judge("f13", "exclude", "click-l01")
    words = current_judgements(small, Ledger(small).taxonomy)
    assert any(isinstance(word, Judgement) and word.coder == "stage" for word in words)
