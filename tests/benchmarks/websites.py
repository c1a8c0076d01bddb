"""A model that knows the shipped seeds alone, asked about the 200 real websites; the encoder tuned, and as it came.

The sites' sectors were noted by one reader, quickly, in another vocabulary; ``SAME`` maps what means the same. Sectors
of fewer than three sites say nothing and are left out. A rough check of what carries over from texts to sites.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.features import FirmPage, FirmText, Vectors, texts_to_embed
from classifier.hints import hint_of, hint_texts
from classifier.metrics import average_precision
from classifier.model import SectorModel
from classifier.tuning import tune
from crawler.extract import extract_page
from labels.seeds import load_seeds, shipped_seeds
from labels.taxonomy import Taxonomy, load_taxonomy, shipped_taxonomy
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import SentenceEncoder, load_encoder
from tests.benchmarks.machine import describe, need_shared, table

MIN_SITES = 3
MAX_PAGES = 20  # as a crawl reads at its defaults
SAME = {
    "automotive": "automotive", "aerospace": "aerospace", "agri_tech": "agri-tech", "bio_sciences": "bio-sciences",
    "cyber": "cyber", "digital_creative_and_games": "games-and-creative", "education_tech": "education-tech",
    "logistics": "logistics", "food_and_drink": "food-and-drink", "ceramics_materials_metals": "materials",
    "circular_economy": "circular-economy", "textiles": "textiles", "med_tech": "med-tech",
    "data_driven_healthcare": "digital-health", "disruptive_business_and_finance": "fintech",
    "advanced_manufacturing": "advanced-manufacturing",
    "digital_technologies_services": "software-and-digital-services",
}  # fmt: skip
KINDS = {"index": "home", "home": "home", "about": "about", "contact": "contact"}


def run() -> None:
    """Print macro-F1 and mAP for all sites, those of several pages, and those of one."""
    describe("scikit-learn", "torch")
    folder = need_shared("sites")
    rows = {row["name"]: row for row in csv.DictReader((folder / "index.csv").open(encoding="utf-8", newline=""))}
    sites = [site for name in sorted(rows) if (site := read_site(folder / name)).pages]
    said = [set(rows[site.firm_id]["sectors"].split(";")) for site in sites]
    many = np.array([int(rows[site.firm_id]["pages"]) > 1 for site in sites])
    taxonomy = load_taxonomy(shipped_taxonomy("midlands"))
    encoder = load_encoder()
    shown = []
    for tuned in (False, True):
        model, vectors = trained(taxonomy, encoder, sites, tuned)
        chances = model.predict_proba(sites, vectors)
        assigned = model.assign(chances)
        name = "tuned" if tuned else "as it came"
        for group, kept in (("all", many | True), ("several pages", many), ("one page", ~many)):
            shown.append([f"{name}, {group}", *figures(taxonomy, said, chances, assigned, kept)])
    table(["encoder and sites", "sites", "sectors", "macro-F1", "mAP"], shown)
    print(f"ratio: tuning ranks {float(shown[3][4]) / float(shown[0][4]):.3f} times as well by mAP\n")


def read_site(folder: Path) -> FirmText:
    """A captured site's pages, home page first."""
    pages = []
    for path in sorted(folder.rglob("*.htm*")):
        text = extract_page(path.read_bytes(), f"http://{folder.name}/{path.name}", "text/html").text
        kind = next((kind for word, kind in KINDS.items() if word in path.stem.lower()), "other")
        if text.strip():
            pages.append(FirmPage(f"http://{folder.name}/{path.relative_to(folder)}", kind, text))
    return FirmText(folder.name, tuple(sorted(pages, key=lambda page: page.kind != "home")[:MAX_PAGES]))


def trained(
    taxonomy: Taxonomy, encoder: SentenceEncoder, sites: Sequence[FirmText], tuned: bool
) -> tuple[SectorModel, Vectors]:
    """A model of the seeds, and the vectors that it reads the sites by."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seeds.yaml"
        path.write_bytes(shipped_seeds("midlands"))
        seeds = load_seeds(path, taxonomy)
    firms = [FirmText.from_description(seed.id, seed.text) for seed in seeds]
    words = [seed.labels(taxonomy) for seed in seeds]
    labels = np.array([[word[key] == "include" for key in taxonomy.keys] for word in words])
    judged = np.array([[word[key] != "unsure" for key in taxonomy.keys] for word in words])
    groups = [seed.id for seed in seeds]
    hints = tuple(hint_of(sector.name, sector.definition, sector.keywords) for sector in taxonomy.sectors)
    texts = distinct([*(text for firm in (*firms, *sites) for text in texts_to_embed(firm)), *hint_texts(hints)])
    vectors: Vectors = dict(zip(map(text_digest, texts), encoder.encode(texts), strict=True))
    layers = tune(encoder, firms, vectors, labels, judged, groups, taxonomy.parents, hints) if tuned else None
    if layers:
        vectors = layers.read(encoder, [*firms, *sites], hints)
    model = SectorModel.train(
        firms, vectors, labels, judged, taxonomy.keys, taxonomy.parents, groups, hints=hints, tuned=layers
    )
    return model, vectors


def figures(
    taxonomy: Taxonomy, said: Sequence[set[str]], chances: NDArray[np.float64], assigned: NDArray[np.bool_],
    kept: NDArray[np.bool_],
) -> list[str]:  # fmt: skip
    """Sites, sectors, macro-F1 and mAP over sectors with enough sites among ``kept``."""
    f1, precision = [], []
    for key, same in SAME.items():
        column = taxonomy.keys.index(key)
        truth = np.array([same in sectors for sectors in said])[kept]
        if truth.sum() >= MIN_SITES:
            given = assigned[kept, column]
            f1.append(2 * float((truth & given).sum()) / max(1.0, float(truth.sum() + given.sum())))
            precision.append(average_precision(truth, chances[kept, column]))
    return [str(int(kept.sum())), str(len(f1)), f"{np.mean(f1):.3f}", f"{np.mean(precision):.3f}"]
