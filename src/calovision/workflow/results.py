"""Paths of all results of a run; those of several jobs are patterns, with wildcards in braces."""

from pathlib import Path

from calovision.workflow.rules import RULES


class Results:
    """Paths below the folder of the results.

    Parameters
    ----------
    folder
        Folder of the results, without braces in its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ntuple = folder / "ntuples/{sample}/{chunk}.root"
        self.images = folder / "images/{sample}/{chunk}.h5"
        self.image_list = folder / "images.tsv"
        self.alternative_images = folder / "images/recipes/{recipe}/{sample}/{chunk}.h5"
        self.alternative_image_list = folder / "images/recipes/{recipe}.tsv"
        self.image_accounts = folder / "images/accounts.json"
        self.variables = folder / "variables/{purpose}/{sample}/{chunk}.h5"
        self.variable_list = folder / "variables/{purpose}.tsv"
        self.entry_counts = folder / "entry_counts.json"
        network = folder / "models/{model}/seed{seed}{fold}"  # with folds "/fold0" and so on
        self.weights = network / "model.safetensors"
        self.model = network / "model.json"
        self.history = network / "history.csv"
        self.tensorboard = network / "tensorboard"
        self.mean_weights = folder / "models/{model}/final/model.safetensors"
        self.mean_model = folder / "models/{model}/final/model.json"
        self.scores = folder / "scores/{model}/seed{seed}{fold}.h5"
        self.baseline_scores = folder / "scores/baselines.h5"
        self.reach_scores = folder / "reach/{sample}.h5"
        self.application = folder / "application/{sample}/{file}.root"
        varied = folder / "variations/{variation}"
        self.varied_ntuple = varied / "ntuples/{sample}/{chunk}.root"
        self.varied_images = varied / "images/{sample}/{chunk}.h5"
        self.varied_scores = varied / "scores/{model}.h5"
        self.validation_events = folder / "metrics/validation_events.h5"
        self.test_events = folder / "metrics/test_events.h5"
        self.validation_rows = folder / "metrics/validation_rows.h5"
        self.test_rows = folder / "metrics/test_rows.h5"
        self.network_scores = folder / "metrics/network_scores.h5"
        self.hepdata = folder / "hepdata"
        self.all_numbers = folder / "metrics/numbers.csv"
        self.report = folder / "report.html"
        self.explorer = folder / "explore.html"
        self.configuration = folder / "configuration.yaml"
        self.run_maps = folder / "run_maps/{sample}/{chunk}.h5"
        monitoring = folder / "monitoring"
        self.merged_run_maps = monitoring / "run_maps.h5"
        self.reference = monitoring / "reference.h5"
        self.good_runs = monitoring / "good_runs.json"
        self.monitor = monitoring / "networks/{method}.safetensors"
        self.flags = monitoring / "flags.json"
        self.flag_table = monitoring / "flags.csv"
        self.flag_text = monitoring / "flags.txt"
        self.run_pages = monitoring / "runs"
        self.study = monitoring / "study.json"

    def numbers(self, name: str) -> Path:
        """JSON file of numbers: of the evaluation, the reach, the run."""
        return self.folder / f"metrics/{name}.json"

    def table(self, name: str) -> Path:
        """Table of numbers as Markdown."""
        return self.folder / f"metrics/{name}.md"

    def plot(self, name: str, kind: str = "png") -> Path:
        """Figure as a PNG or PDF file."""
        return self.folder / f"plots/{name}.{kind}"

    def plots(self, *names: str) -> dict[str, Path]:
        """Outputs of a rule that draws figures: each as ``name`` (PNG) and ``name_pdf``."""
        pdf = {f"{name}_pdf": self.plot(name, "pdf") for name in names}
        return pdf | {name: self.plot(name) for name in names}

    def log(self, rule: str) -> Path:
        """Logs of the jobs of a rule."""
        return self.folder / f"logs/{RULES[rule].pattern}.log"

    def benchmark(self, rule: str) -> Path:
        """Benchmark files of the jobs of a rule."""
        return self.folder / f"benchmarks/{RULES[rule].pattern}.tsv"


def fill(pattern: Path, **values: object) -> Path:
    """Path of a pattern with values for its wildcards."""
    return Path(str(pattern).format(**values))
