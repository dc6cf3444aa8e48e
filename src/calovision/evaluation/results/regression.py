"""Predictions of a target: ``regression.json``.

A residual is prediction / truth - 1, or the difference in the unit of the target. Its *bias* is the
median, or the mean; its *resolution* half of the width of the central 68.3 %, its *rms* that around
the mean.
"""

from dataclasses import dataclass

from calovision.core.digits import in_digits
from calovision.core.markdown import Markdown, code, escape, markdown_table
from calovision.core.result import Result
from calovision.core.titles import in_words
from calovision.evaluation.results.models import ModelNumbers, TrainingRecord, run_row
from calovision.evaluation.results.numbers import Interval, events_in_words, format_interval


@dataclass(frozen=True)
class ResidualResult:
    """Bias and resolution with the 68.3 % intervals of a bootstrap over events."""

    bias_median: Interval
    bias_mean: Interval
    resolution: Interval
    rms: Interval


@dataclass(frozen=True)
class SeedResult:
    """Bias and resolution of one network."""

    bias_median: float | None
    bias_mean: float | None
    resolution: float | None
    rms: float | None


@dataclass(frozen=True)
class ResidualBin:
    """Residuals of the rows in a bin of the true value or of the prediction.

    ``mean`` is that of the true values or predictions in the bin; ``residuals`` are None of fewer
    rows than say something.
    """

    low: float
    high: float
    n_rows: int
    mean: float | None
    residuals: ResidualResult | None


@dataclass(frozen=True)
class Closure:
    """Largest absolute bias (median) in bins of the true value, and of the prediction; None where
    no bin has enough rows.
    """

    in_truth: float | None
    in_prediction: float | None


@dataclass(frozen=True)
class ResolutionFit:
    """Parameters of resolution = a / sqrt(E) + b + c / E, added in quadrature, with E in the unit of
    the target, and chi^2 of the bins.
    """

    stochastic: Interval
    constant: Interval
    noise: Interval
    chi2: float
    n_bins: int


@dataclass(frozen=True, kw_only=True)
class RegressorResult:
    """Predictions of a model, or of an opponent, on the test rows.

    Those of a model are the mean of its networks, each of which is in ``seeds``. ``over`` is the
    ratio of its resolution to that of others, paired.
    """

    n_networks: int
    overall: ResidualResult
    truth_bins: tuple[ResidualBin, ...]
    prediction_bins: tuple[ResidualBin, ...]
    closure: Closure
    over: dict[str, Interval]
    seeds: dict[str, SeedResult]
    fit: ResolutionFit | None = None


@dataclass(frozen=True, kw_only=True)
class RegressionModel(ModelNumbers):
    """Network of a model, and the training of each seed."""

    trainings: dict[str, TrainingRecord]


@dataclass(frozen=True)
class Regression(Result):
    """Numbers of all predictions of a target.

    Attributes
    ----------
    target, title, unit
        Column, its name in figures, and its unit.
    is_relative
        Residuals are relative.
    n_rows
        Test rows that the numbers are of.
    n_missing
        Test rows whose target is not a number.
    n_not_positive
        Test rows that have no relative residual, since the true value is not above 0.
    n_folds
        Number of folds; None without.
    opponents
        Names of what no network predicts.
    regressors, models
        By name.
    warnings
        What is to be known of the rows.
    """

    target: str
    title: str
    unit: str
    is_relative: bool
    n_rows: int
    n_missing: int
    n_not_positive: int
    n_folds: int | None
    opponents: tuple[str, ...]
    regressors: dict[str, RegressorResult]
    models: dict[str, RegressionModel]
    warnings: tuple[str, ...]

    @property
    def axis_title(self) -> str:
        """Title of the target with its unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    def to_markdown(self) -> str:
        """Text and tables of all numbers."""
        parts = [self._introduction(), *(f"**{escape(one)}.**" for one in self.warnings)]
        parts.append("\n".join(self._overall_lines()))
        if several := [one for one in self.models if self.regressors[one].n_networks > 1]:
            parts.append("Networks of each model, which differ in their seed:")
            parts.append("\n".join(self._seed_lines(several)))
        parts.append(f"Resolution in bins of the true {escape(in_words(self.axis_title))}:")
        parts.append("\n".join(self._bin_lines()))
        if any(one.fit for one in self.regressors.values()):
            parts.append(
                "Resolution = a / √E ⊕ b ⊕ c / E (added in quadrature), fitted to these bins:"
            )
            parts.append("\n".join(self._fit_lines()))
        header = ["model", "network", "networks", "parameters", "multiply-adds"]
        header += ["epochs", "images/s", "training"]
        rows = [run_row(name, one, list(one.trainings.values())) for name, one in self.models.items()]
        parts.append("\n".join(markdown_table(header, rows)))
        return "\n\n".join(parts) + "\n"

    def _introduction(self) -> str:
        events = events_in_words(self.n_folds).replace("events", "rows")
        residual = "prediction / truth - 1" if self.is_relative else "prediction - truth"
        left_out = [
            f"{number:,} rows {why}"
            for number, why in (
                (self.n_missing, "without a true value"),
                (self.n_not_positive, "whose true value is not above 0"),
            )
            if number
        ]
        also = f" {' and '.join(left_out)} are left out." if left_out else ""
        return (
            f"Of {events}: {self.n_rows:,}.{also} The residual is {residual}; bias its median and "
            "mean, resolution half of the width of its central 68 %, rms that around the mean. "
            "Intervals are the central 68 % of a bootstrap over events; ratios of resolutions are "
            "paired, with the same rows in each replica."
        )

    def _overall_lines(self) -> list[str]:
        others = list(dict.fromkeys(name for one in self.regressors.values() for name in one.over))
        header = ["", "networks", "bias, median", "bias, mean", "resolution", "rms"]
        header += [Markdown(f"resolution over {code(name)}") for name in others]
        header += ["largest bias in truth", "in prediction"]
        rows = []
        for name, one in self.regressors.items():
            numbers = one.overall
            cells = [numbers.bias_median, numbers.bias_mean, numbers.resolution, numbers.rms]
            rows.append(
                [
                    name,
                    str(one.n_networks) if one.n_networks else "-",
                    *map(format_interval, cells),
                    *(format_interval(one.over[o]) if o in one.over else "" for o in others),
                    _three_digits(one.closure.in_truth),
                    _three_digits(one.closure.in_prediction),
                ]
            )
        return markdown_table(header, rows)

    def _seed_lines(self, models: list[str]) -> list[str]:
        header = ["model", "seed", "bias, median", "bias, mean", "resolution", "rms"]
        rows = [
            [model, seed, *map(_three_digits, vars(one).values())]
            for model in models
            for seed, one in self.regressors[model].seeds.items()
        ]
        return markdown_table(header, rows)

    def _bin_lines(self) -> list[str]:
        bins = next(iter(self.regressors.values())).truth_bins
        header = ["from", "to", "rows", *self.regressors]
        rows = [
            [
                f"{one.low:.4g}",
                f"{one.high:.4g}",
                f"{one.n_rows:,}",
                *(
                    "too few rows"
                    if (found := each.truth_bins[place].residuals) is None
                    else format_interval(found.resolution)
                    for each in self.regressors.values()
                ),
            ]
            for place, one in enumerate(bins)
        ]
        return markdown_table(header, rows)

    def _fit_lines(self) -> list[str]:
        unit = self.unit or "1"
        header = ["", f"a [√{unit}]", "b", f"c [{unit}]", "χ² / bins"]
        rows = [
            [
                name,
                *map(format_interval, (one.fit.stochastic, one.fit.constant, one.fit.noise)),
                f"{one.fit.chi2:.1f} / {one.fit.n_bins}",
            ]
            for name, one in self.regressors.items()
            if one.fit is not None
        ]
        return markdown_table(header, rows)


def _three_digits(number: float | None) -> str:
    return "none" if number is None else in_digits(number)
