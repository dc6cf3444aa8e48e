"""Models against each other: the networks of each, which differ in their seed only, and their
ensemble.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.results.models import (
    ModelComparison,
    ModelNumbers,
    ModelResult,
    NetworkResult,
    NetworkStatistic,
    NetworkStatistics,
    Performances,
    TrainingRecord,
)
from calovision.evaluation.working_points import named_points, performance
from calovision.metrics import ensemble_scores
from calovision.metrics.events import event_numbers, event_table


def compare_models(
    scores: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    background_efficiencies: Sequence[float],
    *,
    runs: Mapping[str, Mapping[int, TrainingRecord]],
    numbers: Mapping[str, ModelNumbers] | None = None,
) -> ModelComparison:
    """Numbers of ``models.json``: performance of every network, their mean and spread, and the
    ensemble.

    Parameters
    ----------
    scores
        Model -> scores of its networks for the test events, ``(n, n_networks)``.
    labels, weights
        1 (signal) or 0, and event weights of the test events, ``(n,)``.
    background_efficiencies
        Working points.
    runs
        Model -> seed of each network -> record of its training.
    numbers
        Model -> numbers of its network.

    Raises
    ------
    InputError
        As ``metrics.roc``, or if a model has no network, or not as many as seeds.
    """
    weights = event_numbers(weights, "weights")
    counted = {"weighted": weights, "unweighted": np.ones(len(weights))}
    points = named_points(background_efficiencies)
    models = {}
    for model, of_networks in scores.items():
        networks = event_table(of_networks, f"scores of model '{model}'", n_events=len(weights))
        records = runs.get(model, {})
        if len(records) != networks.shape[1]:
            raise InputError(
                f"model '{model}': scores of {networks.shape[1]} networks, but {len(records)} seeds"
            )
        each = [_performances(network, labels, counted, points) for network in networks.T]
        models[model] = ModelResult(
            **vars((numbers or {}).get(model, ModelNumbers())),
            seeds={
                str(seed): NetworkResult(**vars(one), training=record)
                for (seed, record), one in zip(records.items(), each, strict=True)
            },
            mean=_over_networks(each, np.mean),
            standard_deviation=_over_networks(each, _standard_deviation),
            ensemble=_performances(ensemble_scores(networks), labels, counted, points),
        )
    return ModelComparison(models)


def _performances(
    scores: np.ndarray,
    labels: np.ndarray,
    counted: Mapping[str, np.ndarray],
    points: Mapping[str, float],
) -> Performances:
    """AUC and working points with each of the weightings."""
    each = {name: performance(scores, labels, weights, points) for name, weights in counted.items()}
    return Performances(**each)


def _over_networks(
    performances: Sequence[Performances], combine: Callable[[list[float]], float | None]
) -> NetworkStatistics:
    """Combine each number of a performance over the networks."""

    def of(weighting: str) -> NetworkStatistic:
        each = [getattr(one, weighting) for one in performances]
        return NetworkStatistic(
            _number(combine([one.auc for one in each])),
            {
                point: _number(combine([one.signal_efficiency[point].value for one in each]))
                for point in each[0].signal_efficiency
            },
        )

    return NetworkStatistics(weighted=of("weighted"), unweighted=of("unweighted"))


def _standard_deviation(values: Sequence[float]) -> float | None:
    """Standard deviation of the population (dividing by n - 1); None for a single value."""
    return np.std(values, ddof=1) if len(values) > 1 else None


def _number(value: float | None) -> float | None:
    """A plain number, which JSON can hold."""
    return None if value is None else float(value)
