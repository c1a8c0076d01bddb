"""What the report says in words: tiers, outcomes, flags, and what its figures cannot say.

Every outcome word of the crawl has a sentence here; a word without one is shown as it is, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.rollup import METRICS

NOT_KNOWN = "not known"
WITHHELD = "withheld"
LISTS_NAME_FIRMS = (
    "Figures of few firms are withheld, and so is the list of a cluster that is withheld altogether. The other lists "
    "name firms, with their employees and turnover, from public sources: whoever reads them can work out what is "
    "withheld of an area."
)
TIERS: dict[str, tuple[str, str]] = {  # name of the tier, and of one of its clusters
    "super": ("Super clusters", "Super cluster"),
    "established": ("Established clusters", "Established cluster"),
    "new_economy": ("New economy clusters", "New economy cluster"),
    "": ("Clusters", "Cluster"),
}
METRIC_NAMES = dict(zip(METRICS, ("Businesses", "Employees", "Turnover, £"), strict=True))
AREA_KIND_NAMES = {"lad": "Local authority district", "postcode_area": "Postcode area"}
FLAG_LABELS: dict[str, str] = {
    "uncorrected": "uncorrected",
    "no_interval": "no error bar",
    "low_coverage": "low coverage",
    "few_values": "few values",
    "no_value": "not known",
    "not_trained": "not trained",
    "gathered": "gathers sectors or codes",
    "part_not_trained": "part not trained",
    "imputed_values": "part estimated",
    "corrected_by_audit": "by audit",
    "corrected_by_error_rates": "by another list's audit",
    "from_training_errors": "by training errors only",
    "single_coder": "single coder",
    "giants_uncorrected": "giant not judged",
    "unread_like_read": "unread firms assumed alike",
    "carried_over": "correction carried over",
    "few_dates": "few dates known",
    "survivors_only": "survivors only",
    "same_firms": "same firms only",
    "few_firms": "too few firms",
    "not_all_classes": "not all classes judged",
    "few_owners_known": "few owners known",
    "distorted": "distorted",
    "suppressed": "withheld",
}
OUTCOMES: dict[str, str] = {
    "ok": "The site was read, but no text was kept.",
    "unchanged": "The site has not changed since the last visit, and no text was kept then.",
    "robots_disallowed": "The site asks crawlers not to read it, and this was obeyed.",
    "robots_unreachable": "The site's rules for crawlers could not be read, so the site was left alone.",
    "blocked_address": "The address is not on the public internet.",
    "dns_failed": "The name of the site does not exist, or could not be looked up.",
    "connect_failed": "Nothing answered at the site's address.",
    "tls_failed": "No secure connection could be made.",
    "timeout": "The site did not answer in time.",
    "too_big": "The answer was larger than the limit.",
    "truncated": "The answer broke off before its end.",
    "bad_response": "The answer was not valid, or not a web page.",
    "http_error": "The site answered with an error.",
    "trap_limit": "The site sent the crawler in circles.",
    "empty": "The site has no text that could be used.",
    "internal_error": "A fault in firmscope; the run's log has the details.",
    "not_attempted": "The site has not been visited yet.",
    "not_html": "The address leads to a file that is not a web page.",
    "parked": "The address is parked or for sale.",
    "redirect_offsite": "The address leads to another site, which may not be this firm's.",
    "bad_url": "The firm list has no website for the firm, or one that is not a web address.",
    "noindex": "The site asks that its words not be used, and this was obeyed.",
    "opted_out": "The owner asked to be left alone, and this was obeyed.",
    "gone": "The site has not answered for so long that its words are no longer used.",
}


def limits(
    listed: int, unread: int, waiting: int, earlier: int, in_a_cluster: int, memberships: int | None,
    untrained: Sequence[str], corrected: int = 0, clusters: int = 0, rules: Mapping[str, str] | None = None,
) -> list[str]:  # fmt: skip
    """What the figures cannot say, in plain sentences.

    Args:
        listed: Firms of the list that count.
        unread: Firms among them whose site could not be read.
        waiting: Firms among them that were read, are in no cluster, and have not been classified yet.
        earlier: Firms in a cluster whose site has changed since they were classified.
        in_a_cluster: Firms in at least one cluster.
        memberships: Sum of the businesses of all clusters; None where they would tell what is withheld.
        untrained: Names of the clusters that the model was not trained for.
        corrected: Clusters that have corrected figures.
        clusters: All clusters.
        rules: Rules of counting, as the provenance has them.
    """
    rules = rules or {}
    now = []
    if untrained:
        now.append(
            f"The model was not trained for {_listing(untrained)}: it had too few examples. Their firms were not "
            "looked for, so that how many there are is not known; those shown came through a part of the cluster."
        )
    if waiting:
        read = _firms(waiting, "was read and has", "were read and have")
        now.append(f"{read} not been classified yet: they lower the coverage and are in no cluster.")
    if earlier:
        now.append(
            f"{_firms(earlier, 'in a cluster is', 'in clusters are')} there by earlier words: what the website says "
            "has changed, or can no longer be read, and has not been classified again yet."
        )
    return [
        *now,
        "They count the firms of the list that was imported, and no others. A firm that is not in the list is in no "
        "figure, so they are not estimates for the whole economy of an area.",
        f"A firm is placed by the words of its own website. For {unread:,} of {listed:,} firms there was nothing to "
        "read; some of these belong to clusters, and no figure includes them.",
        "The classifier makes mistakes both ways: it puts firms in a cluster that do not belong there, and misses "
        f"firms that do. {_correction(corrected, clusters)} For a rare activity, wrongly included firms can outnumber "
        "the right ones.",
        _several(in_a_cluster, memberships, rules.get("counting") == "fractional"),
        "Employees and turnover are those of the whole firm, whatever share of its work belongs to the cluster, and "
        "are shared out over the addresses that are known of it. Where only a head office is known, it has them all.",
        "Employees and turnover are sums over the firms whose figure is known. The others add nothing to the sum, "
        "so that it is too low wherever some are missing; the number of firms behind a sum stands below it.",
        "A group that files accounts for itself and for its subsidiaries can be counted twice.",
        "Employees and turnover are the newest known of each firm, and can be older than its website.",
        "A probability says how sure the classifier is, as far as the firms it learnt from are like the firms of "
        "this list. It says nothing about how large the firm's activity in the cluster is.",
    ]


def _several(firms: int, memberships: int | None, fractional: bool) -> str:
    made = "" if memberships is None else f": {firms:,} firms make {memberships:,} memberships"
    if fractional:
        return (
            f"A firm of several sectors is split over them in equal parts, and a sector gets what its parts got{made}; "
            "figures need not be whole. Sectors of which none is part of another add up; a cluster and its parts never."
        )
    return f"A firm can be in several clusters and is counted in full in each{made}. Never add clusters up."


def rules_of(text: str) -> dict[str, str]:
    """Rules of counting out of the line that every figure says of them, by name."""
    return dict(part.split("=", 1) for part in text.split() if "=" in part)


def withholds(text: str) -> bool:
    """Whether these rules keep back figures of few firms."""
    rules = rules_of(text)
    return float(rules.get("suppress_below", 0)) > 0 or float(rules.get("dominance", 0)) > 0


def by_code(firms: int) -> str:
    """What is to be known of firms that only their SIC code puts in a cluster."""
    return (
        f"{_firms(firms, 'is', 'are')} in a cluster by SIC code alone: a firm's own choice at Companies House, not "
        "what its website says. They count in that cluster, and stand among those in none, or not read, all the same."
    )


def _correction(corrected: int, clusters: int) -> str:
    plain = "The counts take its word; they have not been corrected for these mistakes and carry no error bar yet."
    if not corrected:
        return plain
    some = "" if corrected == clusters else f" for {corrected} of {clusters} clusters"
    return (
        f"The plain counts take its word. The corrected figures below them{some} do not, and carry the ends of a 95% "
        "interval; what they rest on stands beside them. Corrected figures of areas are shares of the whole list's and "
        "take for granted that a firm of some probability belongs to the cluster as often in one area as in another."
    )


def _firms(number: int, of_one: str, of_more: str) -> str:
    return f"1 firm {of_one}" if number == 1 else f"{number:,} firms {of_more}"


def _listing(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
