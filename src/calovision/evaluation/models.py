"""Models against each other: the networks of each, which differ in their seed only, and their
ensemble.

Every number comes twice: ``weighted`` by the event weights, as in an analysis, and ``unweighted``,
every event counting 1, which rests on many more events where a few heavy ones carry the background.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import log_expit, logsumexp

from calovision.core.errors import InputError
from calovision.core.markdown import code, markdown_table
from calovision.evaluation.working_points import (
    format_efficiency,
    mark_of,
    named_points,
    performance,
    with_meaning,
)
from calovision.metrics import Efficiency
from calovision.metrics.events import event_numbers, event_table

WEIGHTINGS = {"weighted": "events weighted", "unweighted": "every event counts 1"}
"""Name in the results -> words in the table."""


def ensemble_scores(networks: np.ndarray) -> np.ndarray:
    """Logits of an ensemble: of the mean probability of its networks, ``(n, n_networks)`` logits to
    ``(n,)``.

    Signal and background are averaged apart in logarithms, so that no digit is lost next to 0 and
    1.
    """
    networks = event_table(networks, "scores of the networks")
    if networks.shape[1] == 1:
        return networks[:, 0]
    return logsumexp(log_expit(networks), axis=1) - logsumexp(log_expit(-networks), axis=1)


def compare_models(
    scores: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    background_efficiencies: Sequence[float],
    *,
    runs: Mapping[str, Mapping[int, Mapping]],
    numbers: Mapping[str, Mapping] | None = None,
) -> dict[str, dict]:
    """The numbers of ``models.json``.

    Parameters
    ----------
    scores
        Model -> scores of its networks for the test events, ``(n, n_networks)``.
    labels, weights
        1 (signal) or 0, and event weights of the test events, ``(n,)``.
    background_efficiencies
        Working points.
    runs
        Model -> seed of each network -> what is known of its training (`training_record`).
    numbers
        Model -> what is known of the network itself (`read_model_numbers`).

    Returns
    -------
    Model -> ``seeds`` (seed -> performance, and ``training``), ``mean`` and ``standard_deviation``
    over the seeds (dividing by n - 1; None for a single network), ``ensemble``, and what
    ``numbers`` tells. A performance holds for ``weighted`` and for ``unweighted`` the ``auc`` and
    the ``signal_efficiency`` at each background efficiency: value, low, high and n_eff, of which
    mean and standard deviation have the value alone.

    Raises
    ------
    InputError
        As ``metrics.roc``, or if a model has no network, or not as many as seeds.
    """
    weights = event_numbers(weights, "weights")
    counted = {"weighted": weights, "unweighted": np.ones(len(weights))}
    points = named_points(background_efficiencies)
    results = {}
    for model, of_networks in scores.items():
        networks = event_table(of_networks, f"scores of model '{model}'", n_events=len(weights))
        n_seeds = len(runs.get(model, ()))
        if n_seeds != networks.shape[1]:
            raise InputError(
                f"model '{model}': scores of {networks.shape[1]} networks, but {n_seeds} seeds"
            )
        each = [_performances(network, labels, counted, points) for network in networks.T]
        results[model] = {
            **(numbers or {}).get(model, {}),
            "seeds": {
                str(seed): {**performance, "training": dict(record)}
                for (seed, record), performance in zip(runs[model].items(), each, strict=True)
            },
            "mean": _over_networks(each, np.mean),
            "standard_deviation": _over_networks(each, _standard_deviation),
            "ensemble": _performances(ensemble_scores(networks), labels, counted, points),
        }
    return results


def _performances(
    scores: np.ndarray,
    labels: np.ndarray,
    counted: Mapping[str, np.ndarray],
    points: Mapping[str, float],
) -> dict[str, dict]:
    """AUC and working points with each of the weightings."""
    return {name: performance(scores, labels, weights, points) for name, weights in counted.items()}


def _over_networks(
    performances: Sequence[Mapping], combine: Callable[[list[float]], float | None]
) -> dict[str, dict]:
    """One number of the values of all networks, in the structure of a performance."""
    return {
        name: {
            "auc": _number(combine([one[name]["auc"] for one in performances])),
            "signal_efficiency": {
                point: _number(
                    combine(
                        [one[name]["signal_efficiency"][point]["value"] for one in performances]
                    )
                )
                for point in performances[0][name]["signal_efficiency"]
            },
        }
        for name in WEIGHTINGS
    }


def _standard_deviation(values: Sequence[float]) -> float | None:
    return np.std(values, ddof=1) if len(values) > 1 else None


def _number(value: float | None) -> float | None:
    """A plain number, which JSON can hold."""
    return None if value is None else float(value)


def models_table(comparison: Mapping[str, Mapping]) -> str:
    """The comparison as Markdown: performance, then the networks and their training."""
    first = next(iter(comparison))
    points = list(comparison[first]["ensemble"]["weighted"]["signal_efficiency"])
    header = ["model", "", "AUC", *(f"signal at background {point}" for point in points)]
    rows = [
        row
        for model, numbers in comparison.items()
        for row in _performance_rows(model, numbers, points)
    ]
    text = (
        "Models: mean and standard deviation over the networks, which differ in their seed, and "
        "the ensemble, whose "
        "output is the mean of theirs."
    )
    if first != "cnn":
        text += f" `cnn` above is the ensemble of {code(first)}."
    header_of_runs = [
        "model",
        "network",
        "networks",
        "parameters",
        "multiply-adds",
        "epochs",
        "images/s",
        "training",
    ]
    runs = [_run_row(model, numbers) for model, numbers in comparison.items()]
    tables = [
        *with_meaning(markdown_table(header, rows)),
        "",
        *markdown_table(header_of_runs, runs),
    ]
    return "\n".join([text, "", *tables]) + "\n"


def _performance_rows(model: str, numbers: Mapping, points: Sequence[str]) -> list[list[str]]:
    rows = []
    for name, words in WEIGHTINGS.items():
        mean, deviation, ensemble = (
            numbers[key][name] for key in ("mean", "standard_deviation", "ensemble")
        )
        if deviation["auc"] is not None:
            cells = [f"{mean['auc']:.4f} ± {deviation['auc']:.4f}"]
            cells += [_mean_cell(numbers, name, point) for point in points]
            rows.append([model, f"{len(numbers['seeds'])} networks, {words}", *cells])
        each = [Efficiency(**ensemble["signal_efficiency"][point]) for point in points]
        cells = [format_efficiency(one) + mark_of(one.n_eff) for one in each]
        kind = "one network" if deviation["auc"] is None else "ensemble"
        rows.append([model, f"{kind}, {words}", f"{ensemble['auc']:.4f}", *cells])
    return rows


def _mean_cell(numbers: Mapping, name: str, point: str) -> str:
    """Mean and standard deviation over the networks, marked if one of these has too few background
    events.
    """
    value, spread = (
        numbers[key][name]["signal_efficiency"][point] for key in ("mean", "standard_deviation")
    )
    behind = [one[name]["signal_efficiency"][point]["n_eff"] for one in numbers["seeds"].values()]
    return f"{value:.3g} ± {spread:.2g}{mark_of(min(behind))}"


def _run_row(model: str, numbers: Mapping) -> list[str]:
    """What is known of the networks of a model and their training; a dash for what is not."""
    records = [one["training"] for one in numbers["seeds"].values()]
    values = {
        name: [record[name] for record in records if name in record]
        for name in ("epochs", "images_per_s", "training_time_s")
    }
    return [
        model,
        str(numbers.get("network", "-")),
        str(len(records)),
        _shortened(numbers.get("parameters")),
        _shortened(numbers.get("multiply_adds")),
        _range(values["epochs"]),
        f"{np.mean(values['images_per_s']):.0f}" if values["images_per_s"] else "-",
        f"{np.sum(values['training_time_s']) / 60:.1f} min" if values["training_time_s"] else "-",
    ]


def _shortened(number: float | None) -> str:
    """``34.5 M``: three digits of a number."""
    if number is None:
        return "-"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def _range(values: Sequence[int]) -> str:
    """``8``, or ``6-8`` if they differ."""
    if not values:
        return "-"
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)}-{max(values)}"
