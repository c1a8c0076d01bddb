"""Exceptions of the crawler, all under one base.

A site that fails is not an exception: it is a ``SiteCrawl`` with an outcome word. What is raised here means
that the crawl as a whole was asked for something it must not or cannot do.
"""


class CrawlerError(Exception):
    """Base of everything this package raises on purpose."""


class SettingsError(CrawlerError):
    """A crawl setting is missing, malformed or unsafe."""


class BadWebsiteError(CrawlerError):
    """A firm's website cell names no http(s) site."""


class BadUrlError(CrawlerError):
    """A URL cannot be requested: other scheme, no host, or not parseable."""


class BodyError(CrawlerError):
    """A response body cannot be decoded; ``outcome`` is the outcome word it leads to."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class GuardError(CrawlerError):
    """The address guard is not installed, so nothing may be fetched."""


class ArchiveError(CrawlerError):
    """A WARC file cannot be written or a record cannot be read back."""

    @property
    def errno(self) -> int | None:
        """The system's number for why, such as ``errno.ENOSPC``; ``None`` when the system did not refuse."""
        return self.__cause__.errno if isinstance(self.__cause__, OSError) else None


class CrawlPausedError(CrawlerError):
    """The crawl ended before its list did, by intent: the window closed or the connection is down.

    Every site has come out by then, those not read as ``not_attempted``; the same crawl may be asked for again.
    ``cause`` is ``window`` or ``uplink``.
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause
