"""Rename, split, merge and retire sectors: what the taxonomy is afterwards, and what became of its keys.

Parents and clusters follow, and never say more than was known: a child of a split sector goes up to that sector's
parents, since nobody has said which part it lies in, and a merged sector lies only in what all of its parts lay in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from labels.errors import LabelsError
from labels.taxonomy import Cluster, Sector, Taxonomy
from labels.taxonomy_file import KEY, NONE, unknown
from labels.taxonomy_history import Change


@dataclass(frozen=True)
class New:
    """What is said of a sector that an edit makes; what is None comes from the sectors it is made from."""

    key: str
    name: str | None = None
    tier: str | None = None
    parents: tuple[str, ...] | None = None
    definition: str | None = None
    keywords: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Edited:
    """A taxonomy after an edit; its ``digest`` is left to who writes it."""

    after: Taxonomy
    change: Change
    kept: Mapping[str, str]  # sectors whose entry stays, by their old key: the key now
    added: Mapping[str, tuple[Sector, ...]] = field(default_factory=dict)  # new entries, behind the place of an old key
    notes: tuple[str, ...] = ()  # what a person should look at


def renamed(taxonomy: Taxonomy, old: str, new: New, today: str) -> Edited:
    """The sector under another key; its firms and their labels stay.

    Raises:
        LabelsError: A key that is not there, or is taken, or is no key; as for the other edits.
    """
    _known(taxonomy, [old])
    _free(taxonomy, [new.key])
    after = _mapped(taxonomy, {old: (new.key,)}, {old: (new.key,)}, lambda sector: _said(new, sector))
    kept = {key: new.key if key == old else key for key in taxonomy.keys}
    return Edited(after, _change(taxonomy, "rename", (old,), (new.key,), today), kept)


def split(taxonomy: Taxonomy, old: str, parts: Sequence[New], today: str) -> Edited:
    """Several sectors in the place of one, which may be among them with a narrower meaning."""
    _known(taxonomy, [old])
    if len(parts) < 2:
        raise LabelsError(
            f"{old} cannot be split into {len(parts)}; name two sectors or more, {old} may be one of them"
        )
    _free(taxonomy, [part.key for part in parts], (old,))
    whole = taxonomy.by_key[old]
    stays = next((part for part in parts if part.key == old), None)
    made = tuple(
        _said(part, Sector(part.key, _title(part.key), whole.tier, whole.parents))
        for part in parts if part is not stays
    )  # fmt: skip
    after = _mapped(
        taxonomy, {old: whole.parents}, {old: tuple(part.key for part in parts)},
        lambda sector: _said(stays, sector) if stays else None, {old: made},
    )  # fmt: skip
    notes = [f"{found.key} lay in {old}: add the part it lies in to its parents" for found in _children(taxonomy, old)]
    if stays:
        notes.append(f"{old} means less than it did: look at its definition and keywords")
    keys = tuple(part.key for part in parts)
    change = replace(_change(taxonomy, "split", (old,), keys, today), implied=_implied(taxonomy, (old,), ()))
    return Edited(after, change, _kept(taxonomy, () if stays else (old,)), {old: made}, tuple(notes))


def merged(taxonomy: Taxonomy, parts: Sequence[str], into: New, today: str) -> Edited:
    """One sector in the place of several, which may be one of them."""
    _known(taxonomy, parts)
    if len(set(parts)) < 2:
        raise LabelsError(f"nothing to merge in {', '.join(parts)}; name two different sectors or more")
    _free(taxonomy, [into.key], parts)
    order = [key for key in taxonomy.keys if key in parts]
    nested = tuple(key for key in order if taxonomy.ancestors(key) & set(parts))
    common = frozenset.intersection(*(taxonomy.ancestors(key) for key in order if key not in nested)) - set(parts)
    whole = taxonomy.by_key.get(into.key)
    tiers = {taxonomy.by_key[key].tier for key in order}
    keywords = dict.fromkeys(word for key in order for word in taxonomy.by_key[key].keywords)
    plain = whole or Sector(into.key, _title(into.key), tiers.pop() if len(tiers) == 1 else "")
    made = _said(into, replace(plain, parents=_lowest(taxonomy, common), keywords=tuple(keywords)))
    home = into.key if whole else order[0]
    added = {} if whole else {home: (made,)}
    gone = [key for key in order if key != into.key]
    after = _mapped(
        taxonomy, dict.fromkeys(order, (into.key,)), dict.fromkeys(order, (into.key,)),
        lambda sector: made if sector.key == into.key else None, added,
    )  # fmt: skip
    held = {*made.parents}.union(*(taxonomy.ancestors(key) for key in made.parents if key in taxonomy.by_key))
    change = replace(
        _change(taxonomy, "merge", tuple(parts), (into.key,), today),
        nested=nested,
        implied=_implied(taxonomy, order, held),
    )
    notes = [
        f"{key} lay in {parent}, which {into.key} does not: its firms stay known to be in {parent}"
        for key, parents in change.implied for parent in parents
    ]  # fmt: skip
    for cluster in taxonomy.clusters:
        held_parts = [key for key in order if key in cluster.sectors]
        if 0 < len(held_parts) < len(order):
            notes.append(f"cluster {cluster.key} gathered {', '.join(held_parts)}, and now all of {into.key}")
    return Edited(after, change, _kept(taxonomy, gone), added, tuple(notes))


def retired(taxonomy: Taxonomy, key: str, today: str) -> Edited:
    """The taxonomy without this sector; what lay in it lies in its parents."""
    _known(taxonomy, [key])
    if len(taxonomy.keys) == 1:
        raise LabelsError(f"{key} is the only sector; a taxonomy needs at least one")
    after = _mapped(taxonomy, {key: taxonomy.by_key[key].parents}, {key: ()}, lambda _: None)
    for cluster in after.clusters:
        if not cluster.sectors and not cluster.sic:
            message = (
                f"cluster {cluster.key} gathers nothing but {key}; take it out of taxonomy.yaml first, or give it "
            )
            raise LabelsError(message + "other sectors or SIC codes")
    change = replace(_change(taxonomy, "retire", (key,), (), today), implied=_implied(taxonomy, (key,), ()))
    return Edited(after, change, _kept(taxonomy, (key,)))


def _change(taxonomy: Taxonomy, kind: str, before: tuple[str, ...], after: tuple[str, ...], today: str) -> Change:
    return Change(taxonomy.version, taxonomy.version + 1, kind, before, after, today)  # type: ignore[arg-type]


def _mapped(
    taxonomy: Taxonomy, as_parent: Mapping[str, tuple[str, ...]], as_member: Mapping[str, tuple[str, ...]],
    entry: Callable[[Sector], Sector | None], added: Mapping[str, tuple[Sector, ...]] | None = None,
) -> Taxonomy:  # fmt: skip
    """The next version: keys of ``as_parent`` are edited by ``entry`` (None: taken out) and replaced wherever named."""
    sectors: list[Sector] = []
    for sector in taxonomy.sectors:
        if sector.key not in as_parent:
            sectors.append(replace(sector, parents=_swapped(sector.parents, as_parent)))
        elif (changed := entry(sector)) is not None:
            sectors.append(changed)
        sectors += (added or {}).get(sector.key, ())
    clusters: list[Cluster] = [replace(at, sectors=_swapped(at.sectors, as_member)) for at in taxonomy.clusters]
    return Taxonomy(taxonomy.id, taxonomy.version + 1, tuple(sectors), "", tuple(clusters))


def _swapped(keys: Iterable[str], instead: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for key in keys for found in instead.get(key, (key,))))


def _said(new: New, plain: Sector) -> Sector:
    """``plain`` with everything that was said of the new sector."""
    return Sector(
        key=new.key,
        name=" ".join(new.name.split()) if new.name else plain.name,
        tier=plain.tier if new.tier is None else new.tier,
        parents=plain.parents if new.parents is None else new.parents,
        definition=plain.definition if new.definition is None else " ".join(new.definition.split()),
        keywords=plain.keywords if new.keywords is None else new.keywords,
    )


def _implied(taxonomy: Taxonomy, keys: Sequence[str], held: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each key, what an include of it also said that neither the keys nor ``held`` say any longer."""
    found = ((key, _lowest(taxonomy, taxonomy.ancestors(key) - set(keys) - set(held))) for key in keys)
    return tuple((key, parents) for key, parents in found if parents)


def _lowest(taxonomy: Taxonomy, keys: Iterable[str]) -> tuple[str, ...]:
    """The keys without those that another of them lies in, in taxonomy order."""
    wanted = set(keys)
    above = {parent for key in wanted for parent in taxonomy.ancestors(key)}
    return tuple(key for key in taxonomy.keys if key in wanted - above)


def _children(taxonomy: Taxonomy, key: str) -> list[Sector]:
    return [sector for sector in taxonomy.sectors if key in sector.parents]


def _kept(taxonomy: Taxonomy, gone: Sequence[str]) -> dict[str, str]:
    return {key: key for key in taxonomy.keys if key not in gone}


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _known(taxonomy: Taxonomy, keys: Iterable[str]) -> None:
    for key in keys:
        if key not in taxonomy.by_key:
            known = f"known: {', '.join(taxonomy.keys)}"
            raise LabelsError(f"sector {key!r} is not in taxonomy.yaml{unknown(key, taxonomy.keys, known)}")


def _free(taxonomy: Taxonomy, keys: Sequence[str], reusable: Sequence[str] = ()) -> None:
    for number, key in enumerate(keys):
        if not KEY.fullmatch(key) or key == NONE:
            raise LabelsError(
                f"key {key!r}: expected lower-case letters, digits and _, such as space_tech (not '{NONE}')"
            )
        if key in keys[:number]:
            raise LabelsError(f"{key} is named twice; every part needs a key of its own")
        if key in taxonomy.counted and key not in reusable:
            raise LabelsError(f"{key} is taken in taxonomy.yaml; choose another key, or merge the two")
