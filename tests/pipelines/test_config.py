"""Settings: typed, with the nearest known name for a key that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.config import Config, default_toml, known_keys, load_config, set_key
from pipelines.errors import UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "firmscope.toml"
    path.write_text(default_toml(), encoding="utf-8")
    return path


def test_the_default_file_holds_every_setting_at_its_default(path: Path) -> None:
    assert load_config(path) == Config()
    text = path.read_text(encoding="utf-8")
    assert all(f"\n{key.split('.')[1]} = " in text for key in known_keys())


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("crawl.contact", "crawler@example.org", "crawler@example.org"),
        ("crawl.contact", "https://example.org/bot", "https://example.org/bot"),
        ("crawl.delay_s", "0", 0.0),
        ("crawl.page_budget", "7", 7),
        ("crawl.allow_addresses", "127.0.0.0/8", ["127.0.0.0/8"]),
        ("crawl.allow_addresses", "127.0.0.0/8, 10.1.0.0/16", ["127.0.0.0/8", "10.1.0.0/16"]),
        ("crawl.allow_addresses", '["127.0.0.0/8"]', ["127.0.0.0/8"]),
        ("crawl.allow_addresses", "", []),
        ("crawl.window", "22:00-06:00", "22:00-06:00"),
        ("crawl.window_zone", "Europe/London", "Europe/London"),
        ("crawl.language", "en", "en"),
        ("crawl.tls", "verify", "verify"),
        ("crawl.render", "true", True),
        ("crawl.keep_text_days", "30", 30.0),
        ("crawl.recrawl_at_most_h", "336", 336.0),
        ("train.use_seeds", "false", False),
        ("engine.kind", "local", "local"),
    ],
)
def test_set(path: Path, key: str, text: str, value: object) -> None:
    section, name = key.split(".")
    set_key(path, key, text)
    assert getattr(getattr(load_config(path), section), name) == value
    assert "# pause between two requests" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("crawl.delay", "1", "unknown key crawl.delay; did you mean crawl.delay_s?"),
        ("delay_s", "1", "unknown key delay_s; did you mean crawl.delay_s?"),
        ("crawl.contact", "nobody", "'nobody' is neither an e-mail address nor a web address"),
        ("crawl.delay_s", "fast", "crawl.delay_s = 'fast'"),
        ("crawl.delay_s", "-1", "crawl.delay_s = -1"),
        ("crawl.allow_addresses", "localhost", "'localhost' is not a network such as 127.0.0.0/8"),
        ("crawl.allow_addresses", "127.0.0.1/8", "is not a network"),
        ("engine.kind", "spark", "engine.kind = 'spark'"),
        ("crawl.page_budget", "1.5", "crawl.page_budget = 1.5"),
        ("crawl.window", "22-6", "expected HH:MM-HH:MM such as 22:00-06:00"),
        ("crawl.window_zone", "Midlands", "expected a time zone such as Europe/London"),
        ("crawl.language", "English", "'English' is not a language code of two letters such as en"),
        ("crawl.tls", "ignore", "crawl.tls = 'ignore'"),
        ("crawl.keep_text_days", "-1", "crawl.keep_text_days = -1"),
    ],
)
def test_set_refused_and_the_file_left_alone(path: Path, key: str, text: str, message: str) -> None:
    before = path.read_bytes()
    with pytest.raises(UsageError) as caught:
        set_key(path, key, text)
    assert message in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[crawl]\ndelays = 1\n", "unknown key crawl.delays; did you mean crawl.delay_s?"),
        ("[crawler]\ndelay_s = 1\n", "unknown key crawler; did you mean crawl"),
        ("[crawl\n", "not a TOML file"),
        ("crawl = 3\n", "crawl = 3"),
    ],
)
def test_file_refused(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="firmscope init"):
        load_config(tmp_path / "firmscope.toml")
