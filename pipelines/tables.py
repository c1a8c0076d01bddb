"""Every table of the lake, once, as data: readers, writers and ``DATA.md`` all follow this page.

A table's first column is always ``shard``, the partition: a stable hash of firm_id, so that a stage can run, and be
rerun, shard by shard. Missing is null, never 0 or an empty text. New columns go to the end of their table and are
optional: then a lake of the release before takes them on as it is opened. Longer than a module should be, because it is
the one page on which every table stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "texts", "int", "float", "bool", "instant", "date", "vector"]


@dataclass(frozen=True)
class Column:
    """One column; ``optional`` columns may be null, the others never are."""

    name: str
    kind: Kind
    meaning: str
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """One table: what a row is, the columns that identify a row, and all columns in order."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    note: str = ""

    @property
    def names(self) -> list[str]:
        """Column names in order, ``shard`` first."""
        return [column.name for column in self.columns]


SHARD = Column("shard", "int", "partition of the table: a stable hash of firm_id, from 0")
FIRM = Column("firm_id", "text", "the firm, as named in the imported firm list")


def _table(name: str, row: str, key: tuple[str, ...], *columns: Column, note: str = "") -> Table:
    return Table(name, row, key, (SHARD, *columns), note)


FIRMS = _table(
    "firms",
    "one row per firm of the imported list",
    ("firm_id",),
    FIRM,
    Column("name", "text", "name as given"),
    Column("website", "text", "website as given; null when the firm has none", optional=True),
    Column("company_number", "text", "Companies House number", optional=True),
    Column("status", "text", "status in the register, e.g. Active", optional=True),
    Column("incorporated_on", "date", "date of incorporation", optional=True),
    Column("dissolved_on", "date", "date of dissolution", optional=True),
    Column("sic_codes", "texts", "SIC 2007 codes, five digits each", optional=True),
    Column("parent_id", "text", "firm_id or company number of the parent", optional=True),
    Column(
        "foreign_owned",
        "bool",
        "the immediate corporate owner with control is registered abroad; null: unclear or not told",
        optional=True,
    ),
    Column("previous_names", "texts", "names the firm had before", optional=True),
    Column("vat_number", "text", "VAT registration number", optional=True),
    Column("company_category", "text", "kind of company in the register, e.g. Private Limited Company", optional=True),
    Column("register_date", "date", "date of the newest register file that had the company", optional=True),
    Column(
        "owner_country", "text",
        "country in which the immediate corporate owner is registered, ISO 3166 alpha-2; unclear: what was filed names "
        "no country; null: no corporate owner on file", optional=True,
    ),
)  # fmt: skip

PREMISES = _table(
    "premises",
    "one row per firm and address",
    ("firm_id", "postcode", "kind"),
    FIRM,
    Column("postcode", "text", "postcode in its usual form, e.g. NG7 2RD", optional=True),
    Column("kind", "text", "registered or trading"),
    Column("source", "text", "where the address was learned: firm_list, website, register, imported"),
    Column("lat", "float", "latitude, degrees, WGS 84", optional=True),
    Column("lon", "float", "longitude, degrees, WGS 84", optional=True),
    Column("lad_code", "text", "local authority district, ONS code", optional=True),
    Column("h3", "text", "H3 cell at resolution 8 (about 1 km)", optional=True),
    Column("employees", "float", "people employed at this address", optional=True),
    Column("unplaced", "text", "why the postcode has no place on the map (pipelines/README.md)", optional=True),
)

ACCOUNTS = _table(
    "accounts",
    "one row per firm and accounting period",
    ("firm_id", "period_end", "source", "filing"),
    FIRM,
    Column("period_end", "date", "last day of the period; for a firm list, the day of the import"),
    Column("employees", "float", "people employed, average of the period", optional=True),
    Column("turnover_gbp", "float", "turnover of the period, pounds sterling", optional=True),
    Column("source", "text", "where the figures come from: firm_list, accounts (filed), or as an imported file says"),
    Column("imputed", "bool", "true when the figures were estimated, not reported"),
    Column("filing", "text", "the document that says so, where one period stands in several", optional=True),
    Column("filed_on", "date", "when that document was filed, or its bulk file was made", optional=True),
    Column("period_start", "date", "first day of the period", optional=True),
)

GRANTS = _table(
    "grants",
    "one row per firm and funded project",
    ("firm_id", "project"),
    FIRM,
    Column("project", "text", "number of the project"),
    Column("year", "int", "year of the competition; of the project's start where that is not given", optional=True),
    Column("offered_gbp", "float", "grant offered, pounds sterling", optional=True),
    Column("spent_gbp", "float", "of that, spent to date, pounds sterling", optional=True),
    Column("started_on", "date", "start of the project", optional=True),
    Column("ended_on", "date", "end of the project", optional=True),
    Column("competition", "text", "competition title", optional=True),
    Column("withdrawn", "bool", "the firm left the project", optional=True),
    Column("source", "text", "name of the file that said so"),
)

OWNERS = _table(
    "owners",
    "one row per firm and company or other body with significant control of it; persons are not kept",
    ("firm_id", "owner"),
    FIRM,
    Column("owner", "text", "the register's mark of this entry"),
    Column("kind", "text", "corporate or legal_person"),
    Column("name", "text", "name of the owner", optional=True),
    Column("number", "text", "its registration number, as given", optional=True),
    Column("country_given", "text", "country of registration, as given", optional=True),
    Column("country", "text", "the same as ISO 3166 alpha-2 code; unclear where the words name none", optional=True),
    Column("natures", "texts", "natures of control, the register's words", optional=True),
    Column("notified_on", "date", "since when", optional=True),
    Column("ceased_on", "date", "until when; null: still", optional=True),
)

PUBLISHED_METRICS = _table(
    "published_metrics",
    "one row per figure that somebody else publishes",
    ("metric", "cluster", "area", "year", "source"),
    Column("metric", "text", "number of the scorecard's metric, e.g. 2.1, or a name"),
    Column("cluster", "text", "cluster (sector key)"),
    Column("area", "text", "code of the area; 'all': everywhere"),
    Column("value", "float", "the figure"),
    Column("unit", "text", "what it counts, e.g. patents, GBP or %"),
    Column("source", "text", "who publishes it, and where"),
    Column("year", "int", "year it refers to"),
)

FETCHES = _table(
    "fetches",
    "one row per firm and URL tried or skipped in the firm's newest crawl",
    ("firm_id", "url"),
    FIRM,
    Column("url", "text", "address asked for"),
    Column("outcome", "text", "outcome word of the fetch"),
    Column("http_status", "int", "HTTP status; null when there was no answer", optional=True),
    Column("fetched_at", "instant", "when the answer came"),
    Column("etag", "text", "ETag of the answer", optional=True),
    Column("last_modified", "text", "Last-Modified of the answer", optional=True),
    Column("body_digest", "text", "SHA-256 of the raw body", optional=True),
    Column(
        "text_digest", "text", "SHA-256 of the text extracted, before blocks repeated on the site go", optional=True
    ),
    Column("archive_ref", "text", "WARC file and offset of the raw answer, FILE:OFFSET", optional=True),
    Column("chosen", "text", "why this URL was tried or skipped", optional=True),
    note="A page kept from an earlier visit keeps that visit's row, unless it was tried again.",
)

PAGES = _table(
    "pages",
    "one row per page kept from a firm's newest crawl or import",
    ("firm_id", "url"),
    FIRM,
    Column("url", "text", "address of the page"),
    Column("position", "int", "order in which the pages were read, home page 0"),
    Column("title", "text", "title of the page"),
    Column("language", "text", "ISO 639-1 code detected; empty when unsure"),
    Column(
        "text", "text", "main text, without blocks repeated on other pages of the site and without e-mail addresses"
    ),
    Column("text_digest", "text", "SHA-256 of text"),
    Column("kind", "text", "home, about, product, service, legal, contact, news, other"),
    Column("read_at", "instant", "when the page was first read as it stands here"),
    Column(
        "archive_ref",
        "text",
        "WARC file and offset of that reading, FILE:OFFSET; null for imported words",
        optional=True,
    ),
)

SITES = _table(
    "sites",
    "one row per firm: how its newest crawl or text import ended",
    ("firm_id",),
    FIRM,
    Column("source", "text", "where the words come from: crawl, texts (imported) or warc (imported)"),
    Column("website", "text", "website that was visited; null when the firm has none", optional=True),
    Column("final_url", "text", "address of the home page after redirects", optional=True),
    Column("outcome", "text", "exactly one outcome word (crawler/README.md)"),
    Column("reason", "text", "what happened, in a sentence"),
    Column("crawled_at", "instant", "when the visit ended"),
    Column("requests", "int", "requests made to the site"),
    Column("bytes_read", "int", "bytes of the answers, after decompression"),
    Column("pages", "int", "pages kept"),
    Column("flags", "texts", "what a reader of the text should know, such as tls_unverified (crawler/README.md)"),
    Column("aliases", "texts", "other registered domains from which the home page redirected here", optional=True),
    Column("due_at", "instant", "when the site is to be visited next; null: not by itself", optional=True),
    Column("not_before", "instant", "instant before which the site asked not to be visited again", optional=True),
    Column("last_ok_at", "instant", "when the site's words were last read", optional=True),
    Column("failures", "int", "visits in a row that could not read the site", optional=True),
    Column("visits", "int", "visits compared with the one before, older ones counted in part", optional=True),
    Column("changes", "int", "those of them at which the words had changed", optional=True),
    Column("watched_h", "float", "hours between the visits compared, in all", optional=True),
    note="The ledger of the crawl: every firm that was due has a row, with a result or a named reason.",
)

MARKS = _table(
    "marks",
    "one row per firm and thing on its site by which the site names its owner",
    ("firm_id", "kind", "value", "url"),
    FIRM,
    Column("url", "text", "page on which it stands"),
    Column("kind", "text", "company_number, vat_number, charity_number, postcode, address or name"),
    Column("value", "text", "what stands there, normalised; never a person's name, e-mail address or telephone number"),
    Column("label", "text", "wording that introduced it, or what it says whose it is"),
    Column("page_kind", "text", "kind of the page, as in pages"),
)

MATCHES = _table(
    "matches",
    "one row per firm and site compared",
    ("firm_id", "site"),
    FIRM,
    Column("site", "text", "host of the site"),
    Column("score", "float", "confidence that the site belongs to the firm, 0 to 1"),
    Column("reasons", "texts", "what speaks for and against"),
    Column("matched", "bool", "the site's words are taken as the firm's own"),
)

EMBEDDINGS = _table(
    "embeddings",
    "one row per text and encoder",
    ("text_digest", "encoder_id"),
    Column("text_digest", "text", "SHA-256 of the text (a chunk of a firm's pages, or of a seed example)"),
    Column("encoder_id", "text", "encoder: name, weights and recipe"),
    Column("vector", "vector", "embedding, unit length, float32"),
    note="Sharded by the firm for which the text was first read; a text that two shards share stands in both.",
)

SCORES = _table(
    "scores",
    "one row per firm, sector and model, for the model that classified last",
    ("firm_id", "sector", "model_id"),
    FIRM,
    Column("sector", "text", "sector key"),
    Column("probability", "float", "calibrated probability that the firm belongs to the sector, 0 to 1"),
    Column("model_id", "text", "model bundle"),
    Column("text_digest", "text", "SHA-256 of all the firm's text that was read"),
)

ASSIGNMENTS = _table(
    "assignments",
    "one row per firm and sector it was put in; a firm in none has one row with the sector 'none'",
    ("firm_id", "sector"),
    FIRM,
    Column("sector", "text", "sector key, or 'none'"),
    Column("assigned", "bool", "false only in the row that states 'none'"),
    Column("reason", "text", "why: threshold passed, child assigned, or why no sector could be given"),
    Column("probability", "float", "probability of the sector (of the nearest one for 'none')", optional=True),
    Column("threshold", "float", "threshold of that sector", optional=True),
    Column("evidence_url", "text", "page of the sentence", optional=True),
    Column("evidence_sentence", "text", "sentence that carries most of the score", optional=True),
    Column("evidence_terms", "texts", "terms that weigh most", optional=True),
    Column("evidence_nearest", "texts", "labelled firms nearest in meaning", optional=True),
    Column("model_id", "text", "model bundle that decided; null when there was no text", optional=True),
    Column("since", "instant", "since when the firm has been in the sector without a break"),
    Column("evidence_effect", "float", "probability that goes with the sentence; null: not measured", optional=True),
    Column("evidence_weights", "vector", "log odds that each of the terms adds", optional=True),
    Column("evidence_similarity", "vector", "cosine similarity to each of the labelled firms", optional=True),
    Column("text_digest", "text", "SHA-256 of the words that were read; null when there were none", optional=True),
)

NEAR_MISSES = _table(
    "near_misses",
    "one row per classified firm: the sector it came closest to without being put in it",
    ("firm_id",),
    FIRM,
    Column("sector", "text", "sector key"),
    Column("probability", "float", "probability of the sector, below the threshold"),
    Column("threshold", "float", "threshold of the sector"),
    *(column for column in ASSIGNMENTS.columns if column.name.startswith("evidence_")),
    Column("model_id", "text", "model bundle that decided"),
    note="Closest in log odds. A firm without words, or in every sector, has no row.",
)

CELLS = _table(
    "cells",
    "one row per cluster, area, metric and period",
    ("cluster", "area_kind", "area_code", "metric", "period"),
    Column("cluster", "text", "cluster (sector key)"),
    Column("area_kind", "text", "all, country, region, utla, cauth, lad, custom, postcode_area or h3"),
    Column("area_code", "text", "code of the area; 'all': the whole list, 'unknown': firms without such a place"),
    Column("metric", "text", "name of the metric (pipelines/README.md); _corrected: for the classifier's errors"),
    Column("period", "text", "what the figure refers to: latest, a year such as 2024, or 2019-2024"),
    Column("value", "float", "figure; null when no firm of the cell has a value", optional=True),
    Column("low", "float", "lower end of the 95 % interval; null when none was estimated", optional=True),
    Column("high", "float", "upper end of the 95 % interval; null when none was estimated", optional=True),
    Column("n", "int", "firms behind the figure; of a corrected one, the judged firms that the correction rests on"),
    Column("coverage", "float", "share of the area's firms that were classified; for sums, of firms with a value"),
    Column("flags", "texts", "what the figure cannot say; see the list in pipelines/README.md"),
    Column("uk_share", "float", "share of the cluster's figure for the whole list, 0 to 1", optional=True),
    Column("rank", "int", "place of a region among the regions, 1 is the largest", optional=True),
    Column("value_without", "float", "the figure without what the distortion rules found", optional=True),
    Column("imputed_share", "float", "share of the figure that was estimated, 0 to 1", optional=True),
    Column("rules", "text", "how firms were shared out over premises and clusters", optional=True),
    Column("boundaries", "text", "which boundaries the areas have", optional=True),
)

DISTORTIONS = _table(
    "distortions",
    "one row per thing found that makes a cluster's figures look other than they are",
    ("cluster", "kind", "subject"),
    Column("cluster", "text", "cluster (sector key)"),
    Column("kind", "text", "one_parent, address_factory, giant, out_of_line_employees or out_of_line_turnover"),
    Column("subject", "text", "what it was found at: parent and postcode, postcode, hexagon or firm"),
    Column("firm_ids", "texts", "firms concerned"),
    Column("businesses", "float", "firms concerned, as the figures count them"),
    Column("employees", "float", "their employees, where known", optional=True),
    Column("turnover_gbp", "float", "their turnover, where known", optional=True),
    Column("share", "float", "share of what the rule compares with (the sentence says of what), 0 to 1", optional=True),
    Column("sentence", "text", "what was found, in plain words"),
)

HOTSPOTS = _table(
    "hotspots",
    "one row per cluster and place on the ground where its firms stand close together, whatever borders it crosses",
    ("cluster", "hotspot"),
    Column("cluster", "text", "cluster (sector key)"),
    Column("hotspot", "int", "number, 1 has most employees, or else most firms"),
    Column("nearest_town", "text", "the town nearest to its centre", optional=True),
    Column("lat", "float", "latitude of its centre, degrees, WGS 84"),
    Column("lon", "float", "longitude of its centre, degrees, WGS 84"),
    Column("h3_cells", "texts", "its hexagons, H3 resolution 8"),
    Column("businesses", "float", "firms in it, shared out over premises"),
    Column("employees", "float", "their employees there, where known", optional=True),
    Column("share", "float", "share of the cluster's firms, 0 to 1"),
    Column("lad_codes", "texts", "districts it lies in, the most firms first"),
    Column("cauth_codes", "texts", "combined authorities it lies in, the most firms first"),
)

RELATED = _table(
    "related",
    "one row per pair of clusters that share firms or places, in both directions",
    ("cluster", "other"),
    Column("cluster", "text", "cluster (sector key)"),
    Column("other", "text", "the other cluster"),
    Column("shared_firms", "int", "firms in both"),
    Column("share", "float", "share of the cluster's firms that are in the other too, 0 to 1"),
    Column("lift", "float", "how many times as many as if the two had nothing to do with each other", optional=True),
    Column(
        "places", "float", "likeness of their spread over districts beyond that of all firms, -1 to 1", optional=True
    ),
)

WARC_FILES = _table(
    "warc_files",
    "one row per WARC file that was imported",
    ("digest",),
    Column("digest", "text", "SHA-256 of the file"),
    Column("name", "text", "name of the file, without its folder"),
    Column("imported_at", "instant", "when its import ended"),
    Column("bytes", "int", "size of the file"),
    Column("records", "int", "records in it"),
    Column("responses", "int", "records that answer a request for a page"),
    Column("taken", "int", "those of firms of the list, which were read"),
    Column("skipped", "int", "those of other hosts"),
)

RUNS = _table(
    "runs",
    "one row per run that changed a table",
    ("run_id",),
    Column("run_id", "text", "UTC start instant and a random part"),
    Column("stage", "text", "command that ran"),
    Column("started_at", "instant", "start"),
    Column("ended_at", "instant", "end"),
    Column("outcome", "text", "done, failed or interrupted"),
    Column("counts", "text", "JSON: rows in, out and dropped per stage"),
    Column("fingerprints", "text", "JSON: snapshots, model, taxonomy, settings and versions"),
    note="Runs that found nothing to do leave a run folder, not a row.",
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        FIRMS, PREMISES, ACCOUNTS, GRANTS, OWNERS, PUBLISHED_METRICS, SITES, FETCHES, PAGES, MARKS, MATCHES,
        EMBEDDINGS, SCORES, ASSIGNMENTS, NEAR_MISSES, CELLS, DISTORTIONS, HOTSPOTS, RELATED, WARC_FILES, RUNS,
    )
}  # fmt: skip
