"""Relatedness: worked by hand, blind to firms shared and to chance, alive to places shared."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from pipelines.statistics.related import Spread, likeness_of_places, neighbours, related


def test_shared_firms_worked_by_hand() -> None:
    # 100 firms listed. a: 0-9 (10), b: 5-9 and 20-34 (20), c: 40-43 (4), d: none of them.
    # a and b share 5: 5/10 of a, 5/20 of b; by chance 10 * 20 / 100 = 2, lift 2.5. c shares none.
    firms = [*range(10), *range(5, 10), *range(20, 35), *range(40, 44)]
    cluster = [0] * 10 + [1] * 20 + [2] * 4
    rows = related(["a", "b", "c", "d"], np.array(firms), np.array(cluster), 100, 100)
    assert rows == [
        {"cluster": "a", "other": "b", "shared_firms": 5, "share": 0.5, "lift": 2.5, "places": None},
        {"cluster": "b", "other": "a", "shared_firms": 5, "share": 0.25, "lift": 2.5, "places": None},
    ]


def test_likeness_worked_by_hand() -> None:
    # Two places with half of all firms each, so 1/p is 2. a: 40 firms in the first, 20 in the second; b the same.
    # a with b: pairs in one place 40*40 + 20*20 = 2000 of 3600: 2 * 2000/3600 - 1 = 1/9.
    # a with itself: (40*39 + 20*19) of 60*59 = 1940/3540: 2 * 1940/3540 - 1 = 0.0960452, and so for b.
    # The error would be sqrt(2 * 1 / 3540) = 0.0238, three times 0.0713: there is a pattern. 0.1111/0.0960 is clipped.
    # c is the other way round, 20 and 40: with a, 2 * 1600/3600 - 1 = -1/9, clipped to -1. d: 30 and 30 is no pattern.
    place = np.concatenate([np.repeat([0, 1], counts) for counts in ((40, 20), (40, 20), (20, 40), (30, 30))])
    members = csr_matrix((np.ones(240), (np.arange(240), np.repeat([0, 1, 2, 3], 60))), shape=(240, 4))
    found = likeness_of_places(members, Spread(np.arange(240), place, np.ones(240), np.array([500.0, 500.0])))
    assert found[0, 1] == 1.0
    assert found[0, 2] == -1.0
    assert np.isnan(found[3]).all()
    # Three places, so that it is not clipped: p = 1/4, 1/4, 1/2, 1/p = 4, 4, 2. a: 60, 0, 40; b: 0, 60, 40 firms.
    # a, b: 2 * 40*40/10000 - 1 = -0.68. Own: (4 * 60*59 + 2 * 40*39)/9900 - 1 = 17280/9900 - 1 = 0.7454545.
    # -0.68/0.7454545 = -0.912195.
    place = np.repeat([0, 2, 1, 2], [60, 40, 60, 40])
    members = csr_matrix((np.ones(200), (np.arange(200), np.repeat([0, 1], 100))), shape=(200, 2))
    found = likeness_of_places(members, Spread(np.arange(200), place, np.ones(200), np.array([1.0, 1.0, 2.0])))
    assert found[0, 1] == pytest.approx(-0.912195, abs=1e-6)
    assert found[0, 0] == pytest.approx(1.0)


def country() -> tuple[np.ndarray, np.random.Generator]:
    random = np.random.default_rng(3)
    return random.dirichlet(np.full(300, 2.0)), random


def spread_of(place: np.ndarray, p: np.ndarray) -> Spread:
    return Spread(np.arange(len(place)), place, np.ones(len(place)), p * 1e6)


def test_places_alike_come_out_alike_and_others_do_not() -> None:
    p, random = country()
    hot, cold = p.copy(), p.copy()
    hot[:30] *= 8
    cold[200:230] *= 8
    hot, cold = hot / hot.sum(), cold / cold.sum()
    place = np.concatenate([random.choice(300, 1000, p=q) for q in (hot, hot, cold, p)])
    members = csr_matrix((np.ones(4000), (np.arange(4000), np.repeat(np.arange(4), 1000))), shape=(4000, 4))
    found = likeness_of_places(members, spread_of(place, p))
    assert found[0, 1] > 0.85  # two samples of one pattern
    assert -0.5 < found[0, 2] < 0.1  # elsewhere
    assert np.isnan(found[3]).all()  # spreads like all firms


def test_firms_shared_are_no_likeness_of_place() -> None:
    # Two clusters with hot places of their own; 400 firms are in both and stand anywhere. Counting them, the places
    # look alike; without them they are not.
    p, random = country()
    hot, other = p.copy(), p.copy()
    hot[:20] *= 6
    other[200:220] *= 6
    both, one, two = (random.choice(300, n, p=q / q.sum()) for n, q in ((400, p), (600, hot), (600, other)))
    place = np.concatenate([both, one, two])
    firm = np.concatenate([np.arange(1000), np.arange(400), np.arange(1000, 1600)])
    members = csr_matrix((np.ones(2000), (firm, np.repeat([0, 1], 1000))), shape=(1600, 2))
    found = likeness_of_places(members, spread_of(place, p))[0, 1]
    counts = np.stack([np.bincount(place[firm[:1000]], minlength=300), np.bincount(place[firm[1000:]], minlength=300)])
    naive = np.corrcoef((counts - 1000 * p) / np.sqrt(1000 * p))[0, 1]
    assert naive > 0.15
    assert -0.5 < found < 0.05


def test_a_firm_split_over_places_counts_by_its_parts_and_unknown_places_not_at_all() -> None:
    p, random = country()
    hot = p.copy()
    hot[:30] *= 8
    place = random.choice(300, 1000, p=hot / hot.sum())
    members = csr_matrix((np.ones(1000), (np.arange(1000), np.repeat([0, 1], 500))), shape=(1000, 2))
    whole = likeness_of_places(members, spread_of(place, p))
    halves = Spread(np.repeat(np.arange(1000), 2), np.repeat(place, 2), np.full(2000, 0.5), p * 1e6)
    assert not np.isnan(whole).any()
    # Two halves of a firm in one place are not two firms: the same entry twice adds up to the firm.
    assert likeness_of_places(members, halves) == pytest.approx(whole)
    unknown = Spread(np.arange(1100) % 1000, np.append(place, [-1] * 100), np.ones(1100), p * 1e6)
    assert likeness_of_places(members, unknown) == pytest.approx(whole)


def test_order_of_firms_does_not_show() -> None:
    random = country()[1]
    firm, cluster = np.nonzero(random.random((500, 4)) < 0.3)
    place = random.choice(40, 500)
    base = np.bincount(place, minlength=300).astype(np.float64)
    rows = related(list("abcd"), firm, cluster, 500, 500, Spread(np.arange(500), place, np.ones(500), base))
    mixed = random.permutation(500)
    again = related(
        list("abcd"), mixed[firm], cluster, 500, 500, Spread(mixed, place, np.ones(500), base)
    )  # fmt: skip
    assert [row["shared_firms"] for row in rows] == [row["shared_firms"] for row in again]
    assert [row["places"] for row in rows] == pytest.approx([row["places"] for row in again], nan_ok=True)


def test_neighbours_by_firms_and_by_places() -> None:
    def pair(a: str, b: str, share: float, lift: float, places: float | None) -> dict[str, object]:
        return {"cluster": a, "other": b, "shared_firms": 3, "share": share, "lift": lift, "places": places}

    rows = [
        pair("space", "parent", 1.0, 9.0, 0.9), pair("parent", "space", 0.1, 9.0, 0.9),
        pair("space", "large", 0.6, 1.4, 0.2), pair("large", "space", 0.02, 1.4, 0.2),
        pair("space", "small", 0.2, 6.0, None), pair("small", "space", 0.3, 6.0, None),
        pair("space", "chance", 0.5, 0.9, float("nan")), pair("chance", "space", 0.5, 0.9, float("nan")),
    ]  # fmt: skip
    # min(0.2, 0.3) = 0.2 comes before min(0.6, 0.02): that large shares with everybody is no news.
    found = neighbours(rows, "space", leave_out={"parent"})
    assert [(near.cluster, near.proximity) for near in found] == [("small", 0.2), ("large", 0.02)]
    assert [near.cluster for near in neighbours(rows, "space", k=1)] == ["small"]
    assert [near.cluster for near in neighbours(rows, "space", by="places")] == ["parent", "large"]
    assert neighbours(rows, "unheard of") == []
