"""The Scrapy settings of every crawl, as one function.

Each value differs from Scrapy's default for a reason of safety or manners; the tests hold every one of them.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from crawler.records import CrawlSettings
from crawler.robots import PRODUCT_TOKEN

RESOLVER = "crawler.resolver.AddressGuardResolver"
HANDLER = "crawler.handler.BoundedHttpHandler"
ROBOTS = "crawler.robots_middleware.RobotsMiddleware"
MAX_REDIRECTS = 5
MAX_REFRESH_DELAY_S = 10
# A thread waits for a slow name server for up to a minute, the site that asked for a sixth of it: four threads a site
# keep the names behind it going, and one that waits costs 20 kB.
DNS_THREADS_PER_SITE = 4
DNS_THREADS = (64, 400)


def user_agent(contact: str) -> str:
    """``firmscope/VERSION (+contact)``."""
    try:
        number = version("firmscope")
    except PackageNotFoundError:  # run from a checkout that was never installed
        number = "0"
    return f"{PRODUCT_TOKEN}/{number} (+{contact})"


def dns_threads(concurrent_sites: int) -> int:
    """Threads in which names are looked up."""
    least, most = DNS_THREADS
    return min(most, max(least, DNS_THREADS_PER_SITE * concurrent_sites))


def scrapy_settings(settings: CrawlSettings) -> dict[str, Any]:
    """Scrapy settings for a crawl.

    Redirects, meta refresh, retries and content encodings are handled by ``visit`` and ``fetcher``, where every
    hop meets the site rule, robots.txt and the address guard; Scrapy's own middlewares for them are off, and
    the limits below are the ones that ours obey.
    """
    return {
        "BOT_NAME": PRODUCT_TOKEN,
        "USER_AGENT": user_agent(settings.contact),
        # Nothing listens, nothing but http(s) is fetched, and every name goes through the address guard.
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "DOWNLOAD_HANDLERS": {"file": None, "data": None, "s3": None, "ftp": None, "http": HANDLER, "https": HANDLER},
        "TWISTED_DNS_RESOLVER": RESOLVER,
        "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
        "FIRMSCOPE_ALLOW_ADDRESSES": list(settings.allow_addresses),
        "HTTPPROXY_ENABLED": False,
        # robots.txt
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": PRODUCT_TOKEN,
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
            ROBOTS: 100,
        },
        # Manners: one request at a time per host, evenly spaced.
        "CONCURRENT_REQUESTS": 0,  # sites in parallel are counted by the spider
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": settings.delay_s,
        "DOWNLOAD_DELAY_JITTER": 0,
        "AUTOTHROTTLE_ENABLED": False,
        # Limits
        "DOWNLOAD_MAXSIZE": settings.max_body_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_TIMEOUT": settings.timeout_s,
        "DOWNLOAD_VERIFY_CERTIFICATES": settings.tls == "verify",
        "REDIRECT_ENABLED": False,
        "REDIRECT_MAX_TIMES": MAX_REDIRECTS,
        "METAREFRESH_ENABLED": False,
        "METAREFRESH_MAXDELAY": MAX_REFRESH_DELAY_S,
        "RETRY_ENABLED": False,
        "RETRY_TIMES": settings.retries,
        "COMPRESSION_ENABLED": False,
        "DEPTH_LIMIT": settings.depth,
        "REACTOR_THREADPOOL_MAXSIZE": dns_threads(settings.concurrent_sites),
        "EXTENSIONS": {"scrapy.extensions.memusage.MemoryUsage": None, "crawler.memory.ResidentMemory": 0},
        "MEMUSAGE_ENABLED": True,
        "MEMUSAGE_LIMIT_MB": settings.memory_limit_mb,
        "MEMUSAGE_CHECK_INTERVAL_SECONDS": 5,
        # Nothing is told to a site beyond who we are.
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1",
            "Accept-Language": "en, *;q=0.5",
        },
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "INFO",
        "LOG_VERSIONS": [],
        "STATS_DUMP": False,
    }
