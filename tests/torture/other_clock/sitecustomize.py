"""Another clock for a Python process: what the file named by TORTURE_CLOCK says, seconds, is added to the time of day.

Python imports this module first, wherever its folder is on the path, so that nothing has seen the true clock before.
Clocks that do not jump (``time.monotonic``) are left alone.
"""

from __future__ import annotations

import datetime
import os
import time
from importlib.machinery import SourceFileLoader
from typing import Any, ClassVar

OURS = {"pipelines", "classifier", "crawler", "models", "labels"}
_told = os.environ.get("TORTURE_CLOCK", "")
_true_time = time.time
_true_datetime = datetime.datetime
_RECHECK_S = 0.02


class _Offset:
    at: ClassVar[float] = -1.0
    seconds: ClassVar[float] = 0.0


def _offset() -> float:
    now = time.monotonic()
    if now - _Offset.at > _RECHECK_S:
        with open(_told, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would be imported for every process
            _Offset.at, _Offset.seconds = now, float(file.read() or _Offset.seconds)
    return _Offset.seconds


def _time() -> float:
    return _true_time() + _offset()


class _Kind(type):
    """Instants that C code made are datetimes too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _true_datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _true_datetime)


class _Datetime(_true_datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _true_datetime.fromtimestamp(_time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return _true_datetime.fromtimestamp(_time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


def _told_to(module: Any) -> None:
    """Our own modules alone: C code that meets another datetime class than the true one crashes."""
    if module.__name__.partition(".")[0] in OURS and getattr(module, "datetime", None) is _true_datetime:
        module.datetime = _Datetime


if _told:
    time.time = _time
    time.time_ns = lambda: int(_time() * 1e9)
    _execute = SourceFileLoader.exec_module

    def _executed(self: SourceFileLoader, module: Any) -> None:
        _execute(self, module)
        _told_to(module)

    setattr(SourceFileLoader, "exec_module", _executed)  # noqa: B010 - an assignment has no type that fits
