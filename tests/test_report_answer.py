"""The first section of the report: the answer of each task in numbers; and its last words."""

import json
from pathlib import Path

import pytest

from calovision.report import glossary as page
from calovision.report.answer import answer
from calovision.report.glossary import WORDS, glossary

EXAMPLES = Path(__file__).parent / "data/results"
NAMES = ("comparison", "summary", "reach", "models")


@pytest.fixture
def numbers():
    return {name: json.loads((EXAMPLES / f"{name}.json").read_text()) for name in NAMES}


def test_search_without_background_in_its_signal_region(numbers):
    """The upper limit is used, and ratios to the cuts are bounds."""
    text = answer(numbers)
    cnn = numbers["comparison"]["at_signal_region"]["classifiers"]["cnn"]
    kept = cnn["signal_efficiency"]["value"]
    assert text.startswith(
        "**No background survives the cuts; at the 68 % upper limit, 0.00365, the CNN keeps "
        f"{kept:.3g} "
    )
    assert f"at most {cnn['over_cuts']['value']:.3g} times what the cuts keep" in text
    assert "Only 0 effective background events pass the cuts: too few to quote" in text
    assert "Uncertainties are 68 % intervals." in text
    (significance,) = [numbers["reach"]["cuts"]["significance"]["value"]]
    assert f"by bins of the CNN output, {significance:.3g} (" in text


def test_first_model_with_a_name_of_its_own(numbers):
    """As in config/symmetry.yaml: the comparison has it by its name."""
    expected = answer(numbers)
    classifiers = numbers["comparison"]["at_signal_region"]["classifiers"]
    classifiers["small_plain"] = classifiers.pop("cnn")
    numbers["models"] = {"small_plain": numbers["models"]["cnn"], **numbers["models"]}
    assert answer(numbers) == expected != ""


def test_search_with_enough_background(numbers):
    point = numbers["comparison"]["at_signal_region"]
    point["background_is_limit"] = False
    region = numbers["summary"]["signal_region"]["background_efficiency"]
    region |= {"value": 3.62e-4, "low": 2.44e-4, "high": 5.37e-4, "n_eff": 83.0}
    point["classifiers"]["cnn"]["signal_efficiency"] |= {"value": 0.9, "low": 0.88, "high": 0.91}
    point["classifiers"]["cnn"]["over_cuts"] = {"value": 2.2, "low": 2.1, "high": 2.3}
    point["classifiers"]["cnn"]["over_reference"] = {"value": 1.16, "low": 1.03, "high": 1.29}
    text = answer(numbers)
    assert text.startswith(
        "**At the background efficiency of the cuts, 3.62 (2.44 to 5.37) × 10⁻⁴, the CNN keeps "
        "0.900 (0.880 to 0.910) of the signal, and the cuts "
    )
    assert (
        "That is 2.20 (2.10 to 2.30) times what the cuts keep and 1.16 (1.03 to 1.29) times what "
        "boosted trees on high-level variables keep."
    ) in text
    assert "too few" not in text


def test_runs():
    """A run with several alarms is one run."""
    states = {"good": 12, "alarm": 3, "known": 1, "few_events": 2, "no_statement": 2}
    assert answer({"monitoring": {"n_runs": 20, "n_alarms": 5, "runs": states}}) == (
        "**3 of 20 runs have an alarm.** There are 5 alarms in all. 1 with known faults only. "
        "4 could not be judged."
    )
    states = {"good": 19, "alarm": 1}
    assert answer({"monitoring": {"n_runs": 20, "n_alarms": 1, "runs": states}}) == (
        "**1 of 20 runs has an alarm.**"
    )


def test_no_results_no_answer():
    assert answer({"anything": 1}) == ""


def test_glossary_is_that_of_the_documentation(tmp_path, monkeypatch):
    """Every word is there once, in one line without a link; without the page there is none."""
    lines = glossary().splitlines()
    assert len(lines) == len(WORDS)
    for word, line in zip(WORDS, lines, strict=True):
        assert line.startswith("- **")
        assert word in line.split("**")[1]
        assert "](" not in line
        assert len(line) > len(word) + 40
    monkeypatch.setattr(page, "IN_CHECKOUT", tmp_path / "none.md")
    assert glossary() == ""
