"""Location quotients: worked by hand, at their limits, against each other, and whether the interval holds the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.quotients import Squares, location_quotient, relative_variance


def test_a_quotient_of_firms_worked_by_hand() -> None:
    # 30 of 1,000 firms here, 500 of 50,000 everywhere: (30/1000) / (500/50000) = 0.03 / 0.01 = 3.
    # Elsewhere 470 of 49,000: q = 0.00959184, p/q = 3.127660.
    # Var(log p) = 0.97/30 = 0.0323333; Var(log q) = 0.99040816/470 = 0.00210725; sum 0.0344406, root 0.185582,
    # times 1.959964 = 0.363734. p/q from 3.127660 * 0.695076 = 2.173961 to 3.127660 * 1.438693 = 4.499743.
    # w = 0.02: low = 1/(0.02 + 0.98/2.173961) = 1/0.470790 = 2.12409; high = 1/(0.02 + 0.98/4.499743) = 4.20538.
    found = location_quotient([30.0], [1000.0], 500.0, 50_000.0)
    assert found.value == pytest.approx([3.0])
    assert found.low == pytest.approx([2.12409], abs=5e-5)
    assert found.high == pytest.approx([4.20538], abs=5e-5)
    assert list(found.reason) == [""]


def test_a_quotient_of_employees_worked_by_hand() -> None:
    # Here 10 firms of 20 employees are in the cluster (x = 200, squares 4,000) and 80 of 10 are not (800, 8,000).
    # Elsewhere 90 of 20 (1,800, 36,000), and 1,920 of 10 (19,200, 192,000). X = 2,000, n = 1,000, N = 22,000.
    # LQ = 0.2 / (2000/22000) = 2.2. p = 0.2, q = 1800/21000 = 0.0857143, p/q = 2.333333.
    # Var(log p) = (800**2 * 4000/200**2 + 8000)/1000**2 = (64000 + 8000)/1e6 = 0.072
    # Var(log q) = (19200**2 * 36000/1800**2 + 192000)/21000**2 = (4096000 + 192000)/4.41e8 = 0.00972336
    # Firms: 200**2/4000 = 10, t = 2.228139; elsewhere 1800**2/36000 = 90, t = 1.986675.
    # sqrt(2.228139**2 * 0.072 + 1.986675**2 * 0.00972336) = sqrt(0.357451 + 0.0383771) = 0.629149
    # p/q from 2.333333 * 0.533045 = 1.243772 to 2.333333 * 1.876013 = 4.377364; w = 1/22 = 0.0454545
    # low = 1/(0.0454545 + 0.9545455/1.243772) = 1/0.8129147 = 1.230142
    # high = 1/(0.0454545 + 0.9545455/4.377364) = 1/0.2635186 = 3.794800
    found = location_quotient(
        [200.0], [1000.0], 2000.0, 22_000.0, squares=Squares([4000.0], [12_000.0], 40_000.0, 240_000.0), firms=[10]
    )
    assert found.value == pytest.approx([2.2])
    assert found.low == pytest.approx([1.230142], abs=5e-6)
    assert found.high == pytest.approx([3.794800], abs=5e-6)


@pytest.mark.parametrize(
    ("x", "n", "X", "N", "reason"),
    [
        pytest.param(4, 100, 500, 50_000, "too_few_firms", id="too few"),
        pytest.param(6, 0, 500, 50_000, "no_base", id="an area of nobody"),
        pytest.param(6, 100, 0, 50_000, "no_base", id="a cluster of nobody"),
        pytest.param(np.nan, 100, 500, 50_000, "no_base", id="not known"),
        pytest.param(6, np.nan, 500, 50_000, "no_base", id="area not known"),
        pytest.param(60, 50, 500, 50_000, "impossible", id="more than the area has"),
        pytest.param(60, 100, 50, 50_000, "impossible", id="more than the cluster has"),
    ],
)
def test_no_quotient_has_a_reason(x: float, n: float, X: float, N: float, reason: str) -> None:
    found = location_quotient([x], [n], X, N)
    assert list(found.reason) == [reason]
    assert np.isnan([found.value, found.low, found.high]).all()


def test_none_in_the_area_is_nought_with_an_upper_bound() -> None:
    # Wilson's upper limit of 0 of 100: 3.841459/103.841459 = 0.0369935; q = 500/49900 = 0.0100200 with its lower limit
    # 0.0100200 * exp(-1.959964 * sqrt(0.98998/500)) = 0.0091837; 0.0369935/0.0091837 = 4.02817; w = 0.002:
    # 1/(0.002 + 0.998/4.02817) = 4.00390
    found = location_quotient([0.0], [100.0], 500.0, 50_000.0, minimum=0)
    assert (found.value[0], found.low[0]) == (0.0, 0.0)
    assert found.high == pytest.approx([4.00390], abs=5e-4)


def test_all_of_the_area_and_all_of_the_cluster_have_an_end_on_one_side() -> None:
    all_of_area = location_quotient([6.0], [6.0], 500.0, 50_000.0)
    assert all_of_area.value == pytest.approx([100.0])
    assert 40 < all_of_area.low[0] < 70  # Wilson: at least 6/(6 + 3.84) = 61 % of such an area
    assert all_of_area.high[0] >= 100
    all_of_cluster = location_quotient([30.0], [1000.0], 30.0, 50_000.0)
    assert all_of_cluster.value[0] == pytest.approx(50.0)
    assert all_of_cluster.high[0] == pytest.approx(50.0)  # N/n: it cannot be more
    assert 1 < all_of_cluster.low[0] < 50
    everywhere = location_quotient([500.0], [50_000.0], 500.0, 50_000.0)
    assert (everywhere.value[0], everywhere.low[0], everywhere.high[0]) == (1.0, 1.0, 1.0)


def test_one_large_firm_widens_the_interval_of_employees() -> None:
    alike = location_quotient(500.0, 1000.0, 5000.0, 100_000.0, squares=Squares(25_000, 50_000, 250_000, 5e6), firms=10)
    giant = location_quotient(
        500.0, 1000.0, 5000.0, 100_000.0, squares=Squares(212_400, 240_000, 450_000, 5e6), firms=10
    )
    assert giant.value == pytest.approx(alike.value)
    assert giant.low < alike.low
    assert giant.high > alike.high


def test_a_correction_of_the_classifier_widens_the_interval() -> None:
    # 30 with 20 to 40: (20 / (2 * 1.959964 * 30))**2 = 0.1700713**2 = 0.0289243
    extra = relative_variance([30.0, 30.0], [20.0, np.nan], [40.0, np.nan])
    assert extra == pytest.approx([0.0289243, 0.0], abs=1e-6)
    plain = location_quotient([30.0], [1000.0], 500.0, 50_000.0)
    wider = location_quotient([30.0], [1000.0], 500.0, 50_000.0, extra_variance=extra[:1])
    assert wider.low < plain.low
    assert wider.high > plain.high


@given(
    st.integers(1, 50), st.integers(0, 400), st.integers(1, 500), st.integers(1, 10_000), st.integers(2, 9)
)  # fmt: skip
def test_laws(x: int, others_here: int, cluster_elsewhere: int, others_elsewhere: int, times: int) -> None:
    n, X = x + others_here, x + cluster_elsewhere
    N = n + cluster_elsewhere + others_elsewhere
    one = location_quotient(float(x), float(n), float(X), float(N), minimum=0)
    assert 0 <= one.low <= one.value <= one.high <= N / n * (1 + 1e-9)
    # The quotient of the areas, weighted by what they are of the whole, is 1: no area is special without another.
    elsewhere = location_quotient(float(cluster_elsewhere), float(N - n), float(X), float(N), minimum=0)
    assert (one.value * n + elsewhere.value * (N - n)) / N == pytest.approx(1.0)
    more = location_quotient(float(x * times), float(n * times), float(X * times), float(N * times), minimum=0)
    assert more.value == pytest.approx(one.value)
    assert more.high - more.low <= (one.high - one.low) * (1 + 1e-9)  # more firms, the same shares: surer


@pytest.mark.parametrize(
    ("n", "prevalence", "quotient"),
    [
        pytest.param(1000, 0.01, 2.0, id="twenty firms expected"),
        pytest.param(200, 0.05, 3.0, id="thirty firms of two hundred"),
        pytest.param(20_000, 0.01, 1.3, id="an area that is much of the country"),
    ],
)
def test_the_interval_of_firms_holds_the_truth_in_95_per_cent(n: int, prevalence: float, quotient: float) -> None:
    random, N, draws = np.random.default_rng(1), 50_000, 20_000
    p, w = prevalence * quotient, n / N
    q = (prevalence - p * w) / (1 - w)
    x, y = random.binomial(n, p, draws), random.binomial(N - n, q, draws)
    found = location_quotient(x, n, x + y, N, minimum=0)
    held = ((found.low <= quotient) & (quotient <= found.high)).mean()
    assert 0.94 < held < 0.965


def test_the_interval_of_employees_holds_the_truth_of_firms_of_very_unequal_size() -> None:
    random, n, N, p, quotient, draws = np.random.default_rng(1), 1000, 10_000, 0.03, 3.0, 800
    q = (0.01 - p * n / N) / (1 - n / N)
    held = firms_taken_alike = 0
    for _ in range(draws):
        size = np.exp(random.normal(0.0, 1.5, N))
        member, here = random.random(N) < np.where(np.arange(N) < n, p, q), np.arange(N) < n
        both = member & here
        x, n_sum, X_sum = (float(size[mask].sum()) for mask in (both, here, member))
        x2, n2, X2 = (float((size[mask] ** 2).sum()) for mask in (both, here, member))
        squares = Squares(x2, n2, X2, float((size**2).sum()))
        sums = (x, n_sum, X_sum, float(size.sum()))
        found = location_quotient(*sums, squares=squares, firms=both.sum(), minimum=0)
        held += bool(found.low <= quotient <= found.high)
        alike = location_quotient(*sums, firms=both.sum(), minimum=0)
        firms_taken_alike += bool(alike.low <= quotient <= alike.high)
    assert held / draws > 0.92
    assert firms_taken_alike / draws < 0.8  # what becomes of it where employees are counted as if each chose alone
