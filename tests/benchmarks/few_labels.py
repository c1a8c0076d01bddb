"""Mean average precision from eight included and thirty-two excluded firms per sector, over several draws.

Labels are drawn from the 70 % of the directory firms and scored on the other 30 %, which took no part in any choice.
Ours with the taxonomy's definitions and keywords stands beside ours without them and RTIC's method, on the same draws.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from classifier.baselines import Exam, rtic
from classifier.evaluation import HOLDOUT_SEED, HOLDOUT_SHARE
from classifier.features import FirmText, firm_words, texts_to_embed
from classifier.hints import Hint, hint_of, hint_texts
from classifier.metrics import average_precision
from classifier.model import SectorModel
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import load_encoder
from tests.benchmarks.machine import describe, need_shared, table

INCLUDES = (8, 16, 32)
EXCLUDES = 4  # for each include
DRAWS = 5
SECTORS = Path(__file__).parents[1] / "evaluation" / "directory_sectors.yaml"
Draw = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]


def run() -> None:
    """Print the table."""
    from sklearn.model_selection import train_test_split

    describe("scikit-learn", "torch")
    corpus = need_shared("labelled", "yc.jsonl")
    records = [json.loads(line) for line in corpus.read_text(encoding="utf-8").split("\n") if line]
    sectors = yaml.safe_load(SECTORS.read_text(encoding="utf-8"))["sectors"]
    keys = tuple(sector["key"] for sector in sectors)
    firms = tuple(FirmText.from_description(record["firm_id"], record["text"]) for record in records)
    labels = np.array([[key in record["sectors"] for key in keys] for record in records])
    groups = [record["domain"] or record["firm_id"] for record in records]
    train, test = train_test_split(np.arange(len(firms)), test_size=HOLDOUT_SHARE, random_state=HOLDOUT_SEED)
    train = np.array([row for row in train if groups[row] not in {groups[place] for place in test}])
    hints = tuple(hint_of(one["name"], one.get("definition", ""), one.get("keywords", ())) for one in sectors)
    texts = distinct([*(text for firm in firms for text in texts_to_embed(firm)), *hint_texts(hints)])
    vectors = dict(zip(map(text_digest, texts), load_encoder("minilm").encode(texts), strict=True))
    rows = []
    for includes in INCLUDES:
        found: dict[str, list[float]] = {"firmscope": [], "without hints": [], "rtic_ngrams_svm": []}
        for seed in range(DRAWS):
            drawn, judged, member = _draw(train, labels, includes, seed)
            asked = [firms[row] for row in test]
            for name, given in (("firmscope", hints), ("without hints", tuple[Hint, ...]())):
                model = SectorModel.train(
                    [firms[row] for row in drawn], vectors, member, judged, keys,
                    groups=[groups[row] for row in drawn], hints=given,
                )  # fmt: skip
                found[name].append(_mean_ap(labels[test], model.predict_proba(asked, vectors)))
            exam = Exam(
                [firm_words(firms[row]) for row in drawn], np.zeros((len(drawn), 0), np.float32), member, judged,
                [groups[row] for row in drawn], [firm_words(firm) for firm in asked],
                np.zeros((len(test), 0), np.float32),
            )  # fmt: skip
            found["rtic_ngrams_svm"].append(_mean_ap(labels[test], rtic(exam).scores))
        rows += [
            [f"{includes}, {EXCLUDES * includes}", name, f"{np.mean(of):.3f}", f"{min(of):.3f} to {max(of):.3f}"]
            for name, of in found.items()
        ]
    table(["includes, excludes", "method", "mAP", f"of {DRAWS} draws"], rows)


def _draw(train: NDArray[np.int64], labels: NDArray[np.bool_], includes: int, seed: int) -> Draw:
    """Firms drawn for any sector, what they are judged for, and their includes; other labels stay absent."""
    draw = np.random.default_rng(seed)
    judged = np.zeros_like(labels)
    for sector in range(labels.shape[1]):
        member = labels[train, sector]
        judged[draw.permutation(train[member])[:includes], sector] = True
        judged[draw.permutation(train[~member])[: EXCLUDES * includes], sector] = True
    drawn = np.flatnonzero(judged.any(axis=1))
    return drawn, judged[drawn], labels[drawn] & judged[drawn]


def _mean_ap(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    return float(np.mean([average_precision(y, score) for y, score in zip(labels.T, scores.T, strict=True) if y.any()]))
