"""The second pass of a crawl: read again, in a browser, the sites whose text only script can show (extra ``js``).

The browser never opens a connection. Whatever a page asks for is fetched by the crawler itself, so that the address
guard, robots.txt, the delay per host, the size limits and the archive hold for a page's scripts as they do for pages.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crawler.errors import CrawlerError, CrawlPausedError
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

DRAWING_HANDLER = "crawler.browser.DrawingHandler"  # named here, so that naming it loads no browser
DRAWING_SCHEME = "drawing"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
UNREAD = ("not_attempted", "internal_error")  # to be visited again, with scripts and all
MAX_SITES_AT_ONCE = 4  # each holds a renderer of 120 MB beside the browser's 200, and drawing takes 0.5 s of a core
TRIAL_S = 30.0
PASSED_ON = ("HOME", "LANG", "PATH", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")

# What keeps the browser off the network if a request should get past ``browser``: no name resolves, every connection
# goes to a proxy that does not exist, loopback included, and nothing is sent over UDP. Each was seen to be needed:
# preconnect hints and WebRTC reached a local server when Playwright's interception stood alone (Chromium 150).
SEALS = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-bypass-list=<-loopback>",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
)
# Small containers have a /dev/shm of 64 MB, in which a page that draws much would crash. Pictures hold no words.
ARGUMENTS = (*SEALS, "--disable-dev-shm-usage", "--disable-gpu", "--blink-settings=imagesEnabled=false")


class BrowserError(CrawlerError):
    """There is no browser that could draw pages, or it does not start; says how to get one."""


def crawl_and_render(
    targets: Sequence[CrawlTarget],
    settings: CrawlSettings,
    archive_dir: Path,
    work_dir: Path,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[SiteCrawl]:
    """Crawl sites, then draw those that have no text without their scripts, if the settings say ``render``.

    A drawing that brings no text does not replace what the first pass found; the site keeps ``needs_script``.

    Yields:
        As ``process.crawl``, sites to be drawn last.

    Raises:
        BrowserError: Before anything is crawled.
        ArchiveError, CrawlPausedError, GuardError, OSError: As ``process.crawl``.
    """
    if not settings.render:
        yield from crawl(targets, settings, archive_dir, work_dir, watch)
        return
    require_browser()
    blank: dict[str, SiteCrawl] = {}
    try:
        for site in crawl(targets, replace(settings, render=False), archive_dir, work_dir, watch):
            if "needs_script" in site.flags:
                blank[site.firm_id] = site
            else:
                yield site
        undrawn = [target for target in targets if target.firm_id in blank]
        for site in render(undrawn, settings, archive_dir, work_dir, watch):
            first = blank.pop(site.firm_id)
            flags = tuple(sorted({*first.flags, *site.flags}))
            yield site if site.outcome in {"ok", *UNREAD} else replace(first, flags=flags)
    except CrawlPausedError as error:
        for site in blank.values():
            yield replace(site, outcome="not_attempted", reason=f"not drawn: {error}", pages=(), fetches=(), marks=())
        raise


def render(
    targets: Sequence[CrawlTarget],
    settings: CrawlSettings,
    archive_dir: Path,
    work_dir: Path,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[SiteCrawl]:
    """Crawl sites as ``process.crawl`` does, drawing the pages whose text only script can show.

    Pages that say something without script are read as they came. A drawn page is archived a second time, as it was
    drawn (header ``X-Firmscope-Rendered``), and that record is the one its row refers to. Nothing is asked
    conditionally, because the document of such a site stays the same while what its script loads changes.

    Args:
        targets: Sites that an earlier pass flagged ``needs_script``.
        settings: As for the earlier pass.
        archive_dir: As for the earlier pass.
        work_dir: As for the earlier pass.
        watch: As for the earlier pass.

    Yields:
        As ``process.crawl``. Flags: ``rendered`` where a page was drawn; ``render_failed`` where one should have been
        and was not (time, a crash, too large); ``needs_script`` stays where most pages have no text even so.

    Raises:
        BrowserError: Before anything is crawled.
        ArchiveError, GuardError, OSError: As ``process.crawl``.
    """
    if not targets:
        return iter(())
    require_browser()
    using = replace(settings, render=True, concurrent_sites=min(settings.concurrent_sites, MAX_SITES_AT_ONCE))
    return crawl([replace(target, known=()) for target in targets], using, archive_dir, work_dir, watch)


def require_browser() -> Path:
    """The browser's program, started once to see that it runs.

    Raises:
        BrowserError: The extra or the browser is missing, or the browser does not start.
    """
    if importlib.util.find_spec("scrapy_playwright") is None:
        raise BrowserError(
            "pages cannot be drawn: scrapy-playwright is not installed; run pip install 'firmscope[js]', or set "
            "crawl.render to false"
        )
    program = find_browser()
    _try(program)
    return program


def find_browser() -> Path:
    """Where the browser is.

    Raises:
        BrowserError: None is installed.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise BrowserError(
            f"pages cannot be drawn: none of {', '.join(BROWSERS)} is installed; run apt-get install chromium, or set "
            "crawl.render to false"
        )
    return Path(found)


def sandboxed() -> bool:
    """Whether the browser's own sandbox can be used: Chromium refuses to run with it as root."""
    return os.geteuid() != 0


def browser_environment() -> dict[str, str]:
    """What the browser may see of our environment: no secrets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def launch_options(dead_end: int) -> dict[str, Any]:
    """How Playwright is to start the browser.

    Args:
        dead_end: Port on 127.0.0.1 at which nobody answers; whatever gets past the interception ends there.
    """
    return {
        "executable_path": str(find_browser()),
        "args": [*ARGUMENTS, f"--proxy-server=127.0.0.1:{dead_end}"],
        "chromium_sandbox": sandboxed(),
        "env": browser_environment(),
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
    }


@functools.cache  # once in a process is enough
def _try(program: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="firmscope-browser-", ignore_cleanup_errors=True) as profile:
        command = [str(program), "--headless", f"--user-data-dir={profile}", *ARGUMENTS, "--proxy-server=127.0.0.1:1"]
        command += [] if sandboxed() else ["--no-sandbox"]
        try:
            done = subprocess.run(
                [*command, "--dump-dom", "data:text/html,<p>drawn"],
                capture_output=True,
                timeout=TRIAL_S,
                env=browser_environment(),
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BrowserError(f"pages cannot be drawn: {program} does not run ({error})") from error
    if b"<p>drawn" not in done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip()[-300:] or f"exit code {done.returncode}"
        raise BrowserError(
            f"pages cannot be drawn: {program} does not start; expected it to print a page, but it said: {said}. "
            "Where it speaks of its sandbox, allow user namespaces or run apt-get install chromium-sandbox"
        )
