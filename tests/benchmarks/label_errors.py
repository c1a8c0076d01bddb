"""How many of the labels that were turned round `labels check` finds, beside asking at random.

Five in a hundred labels of each sector are turned round, on the 70 % of the directory firms; the other 30 % stay out.
Precision is told among as many judgements as were turned round, the most doubtful first, and among those flagged. The
firms' own tags are not free of error, so that a judgement that is found and was not turned round may be a find too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from classifier.evaluation import HOLDOUT_SEED, HOLDOUT_SHARE
from classifier.features import FirmText, Vectors, texts_to_embed
from classifier.hints import Hint, hint_of, hint_texts
from classifier.model import SectorModel
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import load_encoder
from pipelines.suspicion import suspicion
from tests.benchmarks.machine import describe, need_shared, table

TURNED = 0.05
SECTORS = Path(__file__).parents[1] / "evaluation" / "directory_sectors.yaml"


def run() -> None:
    """Print the table."""
    describe("scikit-learn", "cleanlab", "torch")
    corpus = need_shared("labelled", "yc.jsonl")
    records = [json.loads(line) for line in corpus.read_text(encoding="utf-8").split("\n") if line]
    sectors = yaml.safe_load(SECTORS.read_text(encoding="utf-8"))["sectors"]
    hints = tuple(hint_of(one["name"], one.get("definition", ""), one.get("keywords", ())) for one in sectors)
    firms = [FirmText.from_description(record["firm_id"], record["text"]) for record in records]
    texts = distinct([*(text for firm in firms for text in texts_to_embed(firm)), *hint_texts(hints)])
    vectors = dict(zip(map(text_digest, texts), load_encoder("minilm").encode(texts), strict=True))
    table(
        ["sector", "includes", "turned", "found among as many", "flagged", "of these turned", "of the turned flagged"],
        rows(records, [one["key"] for one in sectors], hints, vectors),
    )


def rows(records: list[dict[str, Any]], keys: list[str], hints: tuple[Hint, ...], vectors: Vectors) -> list[list[str]]:
    """A row a sector, and their mean."""
    from sklearn.model_selection import train_test_split

    train, _ = train_test_split(np.arange(len(records)), test_size=HOLDOUT_SHARE, random_state=HOLDOUT_SEED)
    ours = sorted((records[row] for row in train), key=lambda record: record["firm_id"])
    firms = [FirmText.from_description(record["firm_id"], record["text"]) for record in ours]
    truth = np.array([[key in record["sectors"] for key in keys] for record in ours])
    turned = np.zeros_like(truth)
    count = round(TURNED * len(firms))
    for column in range(len(keys)):
        turned[np.random.default_rng([0, column]).choice(len(firms), count, replace=False), column] = True
    said = truth ^ turned
    groups = [record["domain"] or record["firm_id"] for record in ours]
    model = SectorModel.train(firms, vectors, said, np.ones_like(said), keys, groups=groups, hints=hints)
    scores = model.classifier.oof_probabilities_
    found, figures = [], []
    for column, key in enumerate(keys):
        wrong = turned[:, column]
        against = suspicion(said[:, column], scores[:, column])
        first = np.argsort(-against.doubt, kind="stable")[:count]
        flagged = against.flagged
        shares = (
            wrong[first].mean(), wrong[flagged].mean() if flagged.any() else np.nan, (wrong & flagged).sum() / count
        )  # fmt: skip
        figures.append(shares)
        one, two, three = (f"{share:.2f}" for share in shares)
        found.append([key, str(truth[:, column].sum()), str(count), one, str(flagged.sum()), two, three])
    mean = [f"{share:.2f}" for share in np.nanmean(np.array(figures), axis=0)]
    random = f"mean ({TURNED:.2f} at random)"
    return [*found, [random, "", "", mean[0], "", mean[1], mean[2]]]
