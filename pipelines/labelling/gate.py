"""The gate in front of the labelling page, as plain ASGI: nothing behind it sees a request that the rules refuse.

A body is read here, whole and within its limits of size and time, so that no route ever waits for a slow sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from pipelines.labelling.security import HEADERS, MAX_BODY_BYTES, MAX_BODY_S, Answer, Door, Head, coder_of, judge_head

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MAX_HEAD_S = 10.0  # from the connection to the end of a request's head
MAX_HEAD_BYTES = 16 * 1024
WRONG_PASSWORD_S = 1.0  # all callers together are heard once in this time: 12 characters outlast that


class Gate:
    """ASGI middleware: rules, bounded bodies, and the headers that go with every answer."""

    def __init__(self, app: App, door: Door) -> None:
        """Args: the page's app; what a request has to show."""
        self.app = app
        self.door = door
        self._guessing = asyncio.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        head = _head(scope)
        answer = judge_head(head, self.door)
        if answer and answer.status == 401 and head.all("authorization"):
            async with self._guessing:
                await asyncio.sleep(WRONG_PASSWORD_S)
        if answer is None and head.method == "POST":
            try:
                body = await asyncio.wait_for(_body(receive), MAX_BODY_S)
            except ConnectionError:
                return
            except TimeoutError:
                answer = Answer(408, f"The request took more than {MAX_BODY_S:.0f} seconds to arrive.")
            else:
                if body is None:
                    answer = Answer(413, f"More than {MAX_BODY_BYTES} bytes.")
                else:
                    receive = _given(body, receive)
        if answer:
            await _send_answer(answer, send)
            return
        scope["state"]["coder"] = coder_of(head, self.door)
        await self.app(scope, receive, _with_headers(send))


class Protocol(H11Protocol):
    """uvicorn's HTTP, which by itself waits for the end of a request's head for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the sender ``MAX_HEAD_S`` to say what it wants."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(MAX_HEAD_S, self._lose_patience)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _lose_patience(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


def _head(scope: MutableMapping[str, Any]) -> Head:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    return Head(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the sender left before the end of the request")
        body += message["body"]
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message["more_body"]:
            return bytes(body)


def _given(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            message["headers"] = [*(pair for pair in message["headers"] if pair[0].lower() not in ours), *HEADERS]
        await send(message)

    return sending


async def _send_answer(answer: Answer, send: Send) -> None:
    """An answer of the gate's own; the connection ends with it, so that an unread body is never read."""
    body = answer.text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in answer.headers]
    if answer.status != 303:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": body})
