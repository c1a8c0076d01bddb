"""The whole classifier: from firms' words to sectors, trained once, frozen, saved as plain arrays.

A loaded model must predict here what it predicted where it was trained; a few golden firms inside the bundle are
scored at load, so that another version of a library cannot change a list unseen.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from classifier.abstention import Judgeable, judgeable, learnt_languages
from classifier.counting.training_errors import count_errors
from classifier.errors import ClassifierError, LabelShapeError
from classifier.evidence import Evidence, find_evidence
from classifier.features import (
    FirmText,
    Vectors,
    build_design,
    chunk_matrix,
    firm_chunks,
    firm_words,
    new_vectorizer,
    texts_to_embed,
)
from classifier.hierarchy import Parents, close_labels
from classifier.hints import Hint, directions
from classifier.neighbours import Neighbours, remember
from classifier.reference import Reference
from classifier.sector_classifier import HeldOut, SectorClassifier
from classifier.tuning import Tuned
from models.tuned import TunedLayers

NGRAM_STRENGTH = 10.0
VECTOR_STRENGTH = 3.0
CLASS_WEIGHT = None
NGRAM_SHARE_IF_TUNED = 0.3  # tuned vectors hold most of what n-grams know; of 0.3, 0.5, 0.7 and 1 the best on folds


@dataclass(frozen=True)
class SectorModel:
    """A frozen, trained classifier for one taxonomy and one encoder."""

    sectors: tuple[str, ...]  # taxonomy order: the columns of everything
    encoder_id: str
    dimension: int
    terms: tuple[str, ...]  # n-grams, in column order
    idf: NDArray[np.float32]  # (n_terms,)
    classifier: SectorClassifier  # columns: terms, then the vector
    neighbours: Neighbours
    support: tuple[tuple[int, int], ...]  # includes and excludes per sector, hierarchy applied
    training_errors: NDArray[np.int64]  # (n_sectors, 4), see classifier.counting.training_errors
    tuned: TunedLayers | None = None  # of the encoder; None: the encoder as it came
    languages: tuple[str, ...] = ()  # ISO 639-1, learnt from; none: not known, and nothing is left out for it
    reference: Reference | None = None  # of the training set, for drift; None: a bundle of before, or a trial

    @classmethod
    def train(
        cls,
        firms: Sequence[FirmText],
        vectors: Vectors,
        Y: NDArray[np.bool_],
        mask: NDArray[np.bool_],
        sectors: Sequence[str],
        parents: Parents | None = None,
        groups: Sequence[Hashable] | None = None,
        encoder_id: str = "",
        target: Literal["f1"] | float = "f1",
        hints: Sequence[Hint] = (),
        tuned: Tuned | None = None,
    ) -> "SectorModel":
        """Train on labelled firms; the result does not depend on the order in which they are given.

        Args:
            firms: ``n_firms`` firms with distinct ids.
            vectors: A vector for each of ``texts_to_embed`` of each firm, by ``text_digest``.
            Y: ``(n_firms, n_sectors) bool`` includes.
            mask: ``(n_firms, n_sectors) bool``, True where judged; implied labels are filled in by the hierarchy, and
                labels of firms without words are left out (``support`` counts what was used).
            sectors: ``n_sectors`` keys in taxonomy order.
            parents: For each sector the columns of its parents.
            groups: ``(n_firms,)`` registered domains; firms of one domain share a fold. None: the firm's id.
            encoder_id: Of the encoder that made ``vectors``.
            target: ``"f1"``, or the precision each list must reach.
            hints: What the taxonomy says of each sector; ``vectors`` must then hold ``hint_texts`` too. None: not used.
            tuned: Layers that the encoder of ``vectors`` was tuned to on these labels. None: it was not tuned.

        Raises:
            LabelShapeError: Shapes do not fit, no firms, or an id comes twice.
            MissingVectorError: A chunk or a hint has no vector.
            HierarchyError: ``parents`` form a cycle.
        """
        ids = [firm.firm_id for firm in firms]
        if not ids or len(set(ids)) != len(ids):
            message = f"{len(ids)} firms with {len(set(ids))} distinct ids; expected at least one and no repeats"
            raise LabelShapeError(message)
        if (
            Y.shape != (len(ids), len(sectors))
            or mask.shape != Y.shape
            or (groups is not None and len(groups) != len(ids))
        ):
            message = (
                f"Y {Y.shape}, mask {mask.shape}, {len(ids)} firms, {len(sectors)} sectors: these do not fit together"
            )
            raise LabelShapeError(message)
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
        firms = [firms[row] for row in order]
        group_of = [ids[row] if groups is None else groups[row] for row in order]
        links: Parents = tuple(() for _ in sectors) if parents is None else parents
        labels, judged = close_labels(np.asarray(Y, np.bool_)[order], np.asarray(mask, np.bool_)[order], links)

        words = [firm_words(firm) for firm in firms]
        judged[[not text.strip() for text in words]] = False
        labels &= judged
        vectorizer = new_vectorizer()
        try:
            ngrams = vectorizer.fit_transform(words)
        except ValueError as error:
            message = f"{len(ids)} firms share no words ({error}); training needs firms with text"
            raise LabelShapeError(message) from error
        dimension = _dimension(firms, vectors)
        design = build_design(firms, vectors, ngrams, dimension)

        def towards(read: Vectors) -> NDArray[np.float64] | None:
            return directions(hints, read, vectorizer, dimension) if hints else None

        held_out = [
            HeldOut(
                build_design(firms, part.vectors, ngrams, dimension),
                towards(part.vectors),
                np.array([firm.firm_id in part.firm_ids for firm in firms]),
            )
            for part in (tuned.held_out if tuned else ())
        ]
        classifier = SectorClassifier(
            C=(NGRAM_STRENGTH, VECTOR_STRENGTH),
            class_weight=CLASS_WEIGHT,
            parents=links,
            target=target,
            shares=(NGRAM_SHARE_IF_TUNED, 1.0) if tuned else None,
        ).fit(design, labels, judged, group_of, towards(vectors), held_out)
        classifier.coef_ = classifier.coef_.astype(np.float32).astype(np.float64)  # what a bundle holds, exactly
        return cls(
            sectors=tuple(sectors),
            encoder_id=encoder_id,
            dimension=dimension,
            terms=tuple(vectorizer.get_feature_names_out().tolist()),
            idf=np.asarray(vectorizer.idf_, dtype=np.float32),
            classifier=classifier,
            neighbours=remember(tuple(firm.firm_id for firm in firms), design.means, labels),
            support=tuple(zip(labels.sum(axis=0).tolist(), (judged & ~labels).sum(axis=0).tolist(), strict=True)),
            training_errors=count_errors(classifier.oof_probabilities_, labels, classifier.thresholds_),
            tuned=tuned.layers if tuned else None,
            languages=learnt_languages(firms),
        )

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """``(n_sectors,)`` probability from which a firm enters."""
        return np.asarray(self.classifier.thresholds_)

    @property
    def leave_thresholds(self) -> NDArray[np.float64]:
        """``(n_sectors,)`` probability below which a member leaves."""
        return np.asarray(self.classifier.leave_thresholds_)

    @property
    def parents(self) -> Parents:
        """For each sector the columns of its parents."""
        return self.classifier.parents or ()

    @property
    def untrained(self) -> tuple[str, ...]:
        """Sectors with too few labels for a model; nobody is assigned to them, but through a child."""
        return tuple(self.sectors[column] for column in self.classifier.untrained_)

    @cached_property
    def vectorizer(self) -> Any:
        """The n-gram counter, rebuilt from terms and inverse document frequencies."""
        vectorizer = new_vectorizer(self.terms)
        vectorizer.idf_ = self.idf
        return vectorizer

    @cached_property
    def model_id(self) -> str:
        """16 hex digits over everything that a prediction depends on, and ``reference``."""
        from classifier.persistence import content_of
        from models.bundle import content_id

        return content_id(*content_of(self))

    def column(self, sector: str) -> int:
        """Index of a sector.

        Raises:
            ClassifierError: Not one of the model's sectors.
        """
        if sector not in self.sectors:
            message = (
                f"sector {sector!r} is not one of the model's {len(self.sectors)}; train a model for this taxonomy"
            )
            raise ClassifierError(message)
        return self.sectors.index(sector)

    def texts_to_embed(self, firm: FirmText) -> list[str]:
        """The distinct chunks of a firm whose vectors ``predict_proba`` will ask for."""
        return texts_to_embed(firm)

    def judgeable(self, firm: FirmText) -> Judgeable:
        """The firm without pages in languages that the model has not learnt, or why it cannot be judged."""
        return judgeable(firm, self.languages)

    def predict_proba(self, firms: Sequence[FirmText], vectors: Vectors) -> NDArray[np.float64]:
        """Calibrated probabilities ``(n_firms, n_sectors)``, no child above its parent; 0 for a firm without words.

        Raises:
            MissingVectorError: A chunk has no vector.
        """
        if not firms:  # scikit-learn refuses matrices without rows
            return np.zeros((0, len(self.sectors)))
        return self.classifier.probabilities(self._scores(firms, vectors)) * self._speaks(firms)

    def half_scores(
        self, firms: Sequence[FirmText], vectors: Vectors
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What words and what meaning add to each score, both ``(n_firms, n_sectors)`` log odds before calibration.

        Each ranks firms by itself, which is what they are for; with the sector's intercept they add up to its score.
        """
        shape = (len(firms), len(self.sectors))
        if not firms:
            return np.zeros(shape), np.zeros(shape)
        head, n_terms = self.classifier, len(self.terms)
        ngrams = self.vectorizer.transform([firm_words(firm) for firm in firms])
        of_words = np.asarray(ngrams @ head.coef_[:, :n_terms].T, dtype=np.float64)
        whole = build_design(firms, vectors, ngrams, self.dimension).scores(head.coef_, head.intercept_)
        return of_words, whole - of_words - head.intercept_

    def own_probability(self, firm: FirmText, sector: str, vectors: Vectors) -> float:
        """A firm's probability by the sector's own model, before children raise it."""
        column = self.column(sector)
        if not self.classifier.trained()[column]:
            return 0.0
        from classifier.calibration import Sigmoid

        scores = self._scores([firm], vectors)[:, column]
        return float(Sigmoid(*self.classifier.calibration_[column])(scores)[0] * self._speaks([firm])[0, 0])

    def assign(
        self, probabilities: NDArray[np.float64], previous: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Who is in, ``(n_firms, n_sectors) bool``; every parent of an assigned child is assigned.

        Args:
            probabilities: From ``predict_proba``.
            previous: Earlier assignments in the same shape, whose members stay down to ``leave_thresholds``; None for a
                first classification.
        """
        return self.classifier.decide(probabilities, previous)

    def evidence(self, firm: FirmText, sector: str, vectors: Vectors) -> Evidence:
        """Sentence, page, terms and nearest labelled firms behind a score; see ``classifier.evidence``."""
        return find_evidence(self, firm, sector, vectors)

    def save(self, folder: Path, facts: Mapping[str, Any] | None = None, card: str | None = None) -> str:
        """Write the bundle and return its ``model_id``; see ``classifier.persistence.save_model``."""
        from classifier.persistence import save_model

        return save_model(self, folder, facts or {}, card)

    @classmethod
    def load(cls, folder: Path) -> "SectorModel":
        """Read a bundle; see ``classifier.persistence.load_model``."""
        from classifier.persistence import load_model

        return load_model(folder)

    def _scores(self, firms: Sequence[FirmText], vectors: Vectors) -> NDArray[np.float64]:
        ngrams = self.vectorizer.transform([firm_words(firm) for firm in firms])
        design = build_design(firms, vectors, ngrams, self.dimension)
        return design.scores(self.classifier.coef_, self.classifier.intercept_)

    def _speaks(self, firms: Sequence[FirmText]) -> NDArray[np.float64]:
        return np.array([[float(bool(firm_words(firm).strip()))] for firm in firms]).reshape(len(firms), 1)


def _dimension(firms: Sequence[FirmText], vectors: Vectors) -> int:
    for firm in firms:
        for chunk in firm_chunks(firm):
            if chunk.digest in vectors:
                return len(vectors[chunk.digest])
            chunk_matrix([chunk], vectors, 0)  # raises, naming the chunk
    message = "no firm has any text; training needs firms with text"
    raise LabelShapeError(message)
