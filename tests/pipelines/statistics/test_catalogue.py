"""The catalogue of metrics: complete, and says of each what a reader needs."""

import pytest

from pipelines.errors import TableError
from pipelines.statistics.catalogue import METRICS, metric_of


def test_every_metric_says_what_it_is() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert all((metric.title, metric.unit, metric.formula, metric.source))
        assert metric.additive == (metric.kind in ("count", "sum")), name


def test_a_scorecard_number_stands_for_one_metric() -> None:
    numbers = sorted(metric.scorecard for metric in METRICS.values() if metric.scorecard)
    assert numbers == ["1.1", "1.2", "1.3", "1.4", "2.6", "3.1", "4.9"]


def test_corrected_figures_and_owners_follow_from_their_entry() -> None:
    assert metric_of("employees_corrected").unit == "employees"
    assert metric_of("owners_us").title == "Businesses owned from US"
    assert metric_of("owners_us").additive


@pytest.mark.parametrize("name", ["owners_USA", "owners_u", "employee", "businesses_growth_corrected", ""])
def test_an_unknown_metric_is_refused_by_name(name: str) -> None:
    with pytest.raises(TableError, match="there is no metric"):
        metric_of(name)
