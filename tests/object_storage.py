"""A real server of the S3 protocol on loopback: moto's, in a thread of its own."""

from __future__ import annotations

import logging
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.storage import Storage

BUCKET = "lakes"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}


@dataclass(frozen=True)
class Bucket:
    """An empty bucket, and the address of the server that has it."""

    endpoint: str

    def storage(self, folder: str) -> Storage:
        """A place for a lake in it."""
        return Storage(f"s3://{BUCKET}/{folder}", self.endpoint)


@contextmanager
def serving_bucket() -> Iterator[Bucket]:
    """Serve a bucket; its keys are in the environment meanwhile."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    try:
        bucket = Bucket(f"http://{host}:{port}")
        with urllib.request.urlopen(urllib.request.Request(f"{bucket.endpoint}/{BUCKET}", method="PUT")) as answer:
            assert answer.status == 200
        yield bucket
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
        server.stop()
