"""A browser to draw with, pages whose text only script shows, and addresses that no page may reach."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crawler.rendering import BrowserError, require_browser

DRAW = (
    "const show = (title, text, more = '') => { document.getElementById('root').innerHTML ="
    " `<main><h1>${title}</h1><p>${text}</p>${more}</main>` };\n"
)
TEXT = "We cast iron wheels for heritage railways and repair them in our own foundry in Derby. " * 3


@pytest.fixture(scope="session", autouse=True)
def browser() -> Path:
    """Debian's Chromium and the extra; its absence is a failure where FIRMSCOPE_REQUIRE_BROWSER is set."""
    try:
        return require_browser()
    except BrowserError as error:
        if os.environ.get("FIRMSCOPE_REQUIRE_BROWSER"):
            pytest.fail(str(error))
        pytest.skip(f"pages were NOT drawn in a browser: {error}")


@dataclass
class Forbidden:
    """Listeners on addresses that nobody may reach, and who came all the same."""

    heard: list[str] = field(default_factory=list)
    tcp: int = 0
    tcp6: int = 0
    udp: int = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator["Forbidden"]:
        """Listen on 127.0.0.1 and [::1], TCP and UDP, from a thread."""
        with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            listeners = [tcp, udp]
            self.tcp, self.udp = tcp.getsockname()[1], udp.getsockname()[1]
            with contextlib.ExitStack() as stack:
                if socket.has_dualstack_ipv6():
                    tcp6 = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
                    listeners.append(tcp6)
                    self.tcp6 = tcp6.getsockname()[1]
                done = threading.Event()
                threads = [threading.Thread(target=self._listen, args=(one, done)) for one in listeners]
                for thread in threads:
                    thread.start()
                yield self
                done.set()
                for thread in threads:
                    thread.join()

    def _listen(self, listener: socket.socket, done: threading.Event) -> None:
        listener.settimeout(0.1)
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                if listener.type == socket.SOCK_DGRAM:
                    self.heard.append(f"udp {listener.recvfrom(2000)[0]!r}")
                    continue
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(0.3)
                    said = b""
                    with contextlib.suppress(TimeoutError, ConnectionError):
                        said = connection.recv(200)
                    self.heard.append(f"tcp {said!r}")

    def page(self, text: str = TEXT) -> str:
        """A page that tries every way that we know of to reach the listeners."""
        here, six = f"127.0.0.1:{self.tcp}", f"[::1]:{self.tcp6}"
        scripts = [
            *(
                f"fetch('{url}', {{mode: 'no-cors'}})"
                for url in (
                    f"http://{here}/fetch",
                    f"https://{here}/fetch",  # encrypted and of another site: the address guard has to refuse it
                    f"http://{six}/six",
                    f"https://{six}/six",
                    f"https://localhost:{self.tcp}/name",
                    f"https://2130706433:{self.tcp}/decimal",
                    "http://169.254.169.254/latest/meta-data/",
                    "https://169.254.169.254/latest/meta-data/",
                    "/redirect",  # of this site, and answered with a redirect to the listener
                    "/redirect-plain",
                    "file:///etc/passwd",
                )
            ),
            f"new WebSocket('ws://{here}/socket')",
            f"new EventSource('http://{here}/events')",
            f"navigator.sendBeacon('http://{here}/beacon', 'x')",
            f"window.open('http://{here}/window')",
            f"new Worker(URL.createObjectURL(new Blob([`fetch('http://{here}/worker', {{mode: 'no-cors'}});"
            f"fetch('https://{here}/worker', {{mode: 'no-cors'}}); new WebSocket('ws://{here}/worker-socket');"
            f"importScripts('http://{here}/import')`])))",
            f"new SharedWorker(URL.createObjectURL(new Blob([`fetch('http://{here}/shared', {{mode: 'no-cors'}})`])))",
            "navigator.serviceWorker.register('/service.js')",
            f"new WebTransport('https://127.0.0.1:{self.udp}/transport')",
            f"const f = document.createElement('form'); f.action = 'http://{here}/form'; f.target = '_blank';"
            "f.method = 'post'; document.body.append(f); f.submit()",
            f"const c = document.createElement('style'); c.textContent = '@import url(http://{here}/sheet.css);"
            f"@font-face{{font-family:x;src:url(http://{here}/font)}} body{{font-family:x;"
            f"background:url(http://{here}/background)}}'; document.head.append(c)",
            "const s = document.createElement('script'); s.type = 'speculationrules';"
            f's.textContent = \'{{"prefetch":[{{"source":"list","urls":["http://{here}/guess"]}}]}}\';'
            "document.head.append(s)",
            self._call(),
        ]
        tries = "".join(f"try {{ const x = {{}}; {{ {script} }} }} catch (error) {{}}\n" for script in scripts)
        return (
            f"<html><head><title>Acme</title><link rel=preconnect href='http://{here}'>"
            f"<link rel=preconnect href='https://{here}'><link rel=prefetch href='http://{here}/prefetch'>"
            f"<link rel=dns-prefetch href='//localhost'><link rel=modulepreload href='https://{here}/module.js'>"
            f"<link rel=stylesheet href='http://{here}/linked.css'></head><body><div id=root></div>"
            f"<img src='http://{here}/image'><iframe src='http://{here}/frame'></iframe>"
            f"<iframe src='file:///etc/passwd'></iframe><object data='http://{here}/object'></object>"
            f"<embed src='http://{here}/embed'><video src='http://{here}/video'></video>"
            f'<iframe srcdoc="<script>{self._call()}</script>"></iframe>'
            f"<script>{DRAW}window.addEventListener('unhandledrejection', event => event.preventDefault());"
            f"{tries}show('Foundry', '{text}');</script>"
            f"<script src='https://{here}/script.js'></script></body></html>"
        )

    def _call(self) -> str:
        servers = f"[{{urls: 'stun:127.0.0.1:{self.udp}'}}, {{urls: 'turn:127.0.0.1:{self.tcp}?transport=tcp', "
        return (
            f"const call = new RTCPeerConnection({{iceServers: {servers} username: 'a', credential: 'b'}}]}});"
            "call.createDataChannel('x'); call.createOffer().then(offer => call.setLocalDescription(offer))"
        )


def shell(script: str, head: str = "", body: str = "") -> str:
    """A page without words whose script would draw them."""
    return (
        f"<html lang='en'><head><title>Acme</title>{head}</head><body><noscript>You need to enable JavaScript to run "
        f"this app.</noscript><div id='root'></div>{body}<script type='module'>{DRAW}{script}</script></body></html>"
    )


# Test modules cannot import from here (importlib mode), so what they need comes as fixtures.
Shell = Callable[..., str]


@pytest.fixture(scope="session", name="shell")
def shell_() -> Shell:
    """Makes a page without words whose script would draw them; ``show(title, text)`` is there for it."""
    return shell


@pytest.fixture(scope="module")
def forbidden() -> Iterator[Forbidden]:
    """Listeners that nobody may reach."""
    with Forbidden().listening() as listening:
        yield listening


@pytest.fixture(scope="session")
def said() -> str:
    """The text that the drawn pages show."""
    return TEXT.strip()
