"""Gather what a model learns from: labelled firms with their words, and the seed examples.

Labelled firms stand in the order in which they were first judged, so that a holdout drawn today is drawn again
tomorrow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labels.matrix import label_matrix
from labels.seeds import load_seeds
from labels.store import Judgement
from labels.taxonomy import Taxonomy
from pipelines.firm_texts import firm_texts
from pipelines.judgements import current_judgements
from pipelines.runs import Run, StageCounts
from pipelines.store import shard_of
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from classifier.features import FirmText
    from classifier.hints import Hint

SEED_PREFIX = "seed:"  # marks a seed example where firms are named, as in evidence


@dataclass(frozen=True)
class Examples:
    """Labelled texts; ``labels`` and ``judged`` are ``(n, n_sectors) bool``, columns in taxonomy order."""

    firms: tuple[FirmText, ...]
    labels: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    groups: tuple[str, ...]  # registered domain: firms of one domain never stand on both sides of a split

    def texts_by_shard(self, shards: int) -> dict[int, list[str]]:
        """Chunks to embed, by shard."""
        from classifier.features import texts_to_embed

        found: dict[int, list[str]] = {}
        for firm in self.firms:
            found.setdefault(shard_of(firm.firm_id, shards), []).extend(texts_to_embed(firm))
        return found

    def digest(self) -> str:
        """SHA-256 of everything that was learned from."""
        digest = hashlib.sha256(np.packbits(self.labels).tobytes() + np.packbits(self.judged).tobytes())
        for firm in self.firms:
            digest.update(repr((firm.firm_id, [(page.kind, page.text) for page in firm.pages])).encode())
        return digest.hexdigest()


def labelled_firms(run: Run, counts: StageCounts, taxonomy: Taxonomy) -> Examples:
    """Firms with a judgement and words, as ``gather_labelled`` finds them; who is left out is kept with its reason."""
    examples, left_out = gather_labelled(run.workspace, taxonomy)
    for firm_id, reason in left_out.items():
        run.drop(counts, firm_id, reason)
    counts.rows_in += len(examples.firms) + len(left_out)
    counts.rows_out += len(examples.firms)
    return examples


def gather_labelled(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Examples, dict[str, str]]:
    """Firms with a judgement and words, and why others with a judgement are left out, by firm_id.

    Left out is a firm without words, and one whose words came from a site that could not prove who it is: whoever
    stands between could teach the model what they like.
    """
    judgements = current_judgements(workspace, taxonomy)
    texts = firm_texts(workspace.lake)
    listed = workspace.lake.read_arrow("firms", ["firm_id", "website"]).to_pylist()
    website = {row["firm_id"]: row["website"] for row in listed}
    sites = workspace.lake.read_arrow("sites", ["firm_id", "flags"]).to_pylist()
    unproven = {row["firm_id"] for row in sites if "tls_unverified" in row["flags"]}
    kept: list[str] = []
    left_out: dict[str, str] = {}
    for firm_id in dict.fromkeys(judgement.firm_id for judgement in judgements):
        if firm_id in texts and firm_id not in unproven:
            kept.append(firm_id)
        elif firm_id in texts:
            left_out[firm_id] = "TLS certificate of the site could not be verified"
        else:
            left_out[firm_id] = "no text" if firm_id in website else "not in the firm list"
    labels, judged = label_matrix(_of(judgements, kept), kept, taxonomy)
    groups = tuple(_domain(website.get(firm_id)) or firm_id for firm_id in kept)
    return Examples(tuple(texts[firm_id] for firm_id in kept), labels, judged, groups), left_out


def seed_examples(run: Run, counts: StageCounts, taxonomy: Taxonomy) -> Examples:
    """The workspace's seed examples, as ``gather_seeds`` finds them."""
    examples = gather_seeds(run.workspace, taxonomy)
    counts.rows_in += len(examples.firms)
    counts.rows_out += len(examples.firms)
    return examples


def gather_seeds(workspace: Workspace, taxonomy: Taxonomy) -> Examples:
    """The workspace's seed examples, each a group of its own; none when ``train.use_seeds`` is off."""
    from classifier.features import FirmText
    from crawler.text import language_of

    seeds = load_seeds(workspace.seeds_file, taxonomy) if workspace.config.train.use_seeds else ()
    words = [seed.labels(taxonomy) for seed in seeds]
    shape = (len(seeds), len(taxonomy.keys))
    labels = np.array([[word[key] == "include" for key in taxonomy.keys] for word in words], bool).reshape(shape)
    judged = np.array([[word[key] != "unsure" for key in taxonomy.keys] for word in words], bool).reshape(shape)
    firms = tuple(
        FirmText.from_description(SEED_PREFIX + seed.id, seed.text, language=language_of(seed.text)) for seed in seeds
    )
    return Examples(firms, labels, judged, tuple(firm.firm_id for firm in firms))


def sector_hints(taxonomy: Taxonomy) -> tuple[Hint, ...]:
    """What the taxonomy says of each of its sectors."""
    from classifier.hints import hint_of

    return tuple(hint_of(sector.name, sector.definition, sector.keywords) for sector in taxonomy.sectors)


def both(first: Examples, second: Examples) -> Examples:
    """Two sets of examples as one, in this order."""
    return Examples(
        first.firms + second.firms,
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.judged, second.judged]),
        first.groups + second.groups,
    )


def _domain(website: str | None) -> str | None:
    from urllib.parse import urlsplit

    from crawler.errors import BadWebsiteError
    from crawler.urls import registered_domain, start_urls

    try:
        return registered_domain(urlsplit(start_urls(website or "")[0]).hostname or "")
    except BadWebsiteError:
        return None


def _of(judgements: Sequence[Judgement], firm_ids: Sequence[str]) -> list[Judgement]:
    wanted = set(firm_ids)
    return [judgement for judgement in judgements if judgement.firm_id in wanted]
