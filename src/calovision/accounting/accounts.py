"""All accounts of a run: ``accounting.json``, and their table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from calovision.core.account import Account, Count
from calovision.core.digits import in_digits
from calovision.core.markdown import markdown_table
from calovision.core.result import Result


@dataclass(frozen=True)
class Accounts(Result):
    """Accounts of all stages and samples, in the order of the work.

    Attributes
    ----------
    accounts
        Each balances, and reads what the one before it wrote.
    expected
        Sample -> expected events that a generator weight of 1 stands for; of samples whose
        cross-section is not known, or does not matter, there is none.
    """

    accounts: tuple[Account, ...]
    expected: dict[str, float]

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns of `rows`."""
        last = "expected events" if self.expected else "sum of weights"
        return ("sample", "stage", "read", "dropped", "written", last)

    def rows(self) -> list[list[str]]:
        """Cells of a table with a row for each sample and stage.

        The folds of a seed add up, other seeds of a model are left out, as their networks see the
        same rows, and models that see the same rows have one row together.
        """
        return [self._row(title, account) for title, account in self._lines()]

    def to_markdown(self) -> str:
        """Table of `rows`."""
        return "\n".join(markdown_table(self.header, self.rows())) + "\n"

    def _row(self, stage: str, account: Account) -> list[str]:
        scale = self.expected.get(account.sample)
        weight = account.output.weight
        known = "" if scale is None else in_digits(weight * scale, 4)
        return [
            account.sample,
            stage,
            f"{account.read.n:,}",
            _in_words(account.dropped),
            _in_words(account.wrote, is_output=True),
            known if self.expected else in_digits(weight, 4),
        ]

    def _lines(self) -> Iterator[tuple[str, Account]]:
        """Title of the stage and account of each row, by sample."""
        found: dict[str, dict[str, dict[str, Account]]] = {}
        seeds: dict[tuple[str, str, str], str] = {}
        for account in self.accounts:
            model, _, rest = account.network.partition("/")
            seed = rest.partition("/")[0]
            models = found.setdefault(account.sample, {}).setdefault(account.stage, {})
            if seeds.setdefault((account.sample, account.stage, model), seed) != seed:
                continue
            account = replace(account, network="")
            models[model] = models[model] + account if model in models else account
        for stages in found.values():
            for stage, models in stages.items():
                alike: dict[str, list[str]] = {}
                for model, account in models.items():
                    alike.setdefault(str(account), []).append(model)
                for names in alike.values():
                    title = f"{len(names)} models" if len(names) > 2 else " and ".join(names)
                    yield f"{stage} {title}".strip(), models[names[0]]


def _in_words(counts: dict[str, Count], *, is_output: bool = False) -> str:
    """``1,200: three fat jets; 30: leading jet``, of an output ``train 300, test 100``."""
    if is_output:
        if len(counts) == 1:
            return f"{next(iter(counts.values())).n:,}"
        return ", ".join(f"{name} {count.n:,}" for name, count in counts.items())
    return "; ".join(f"{name}: {count.n:,}" for name, count in counts.items()) or "0"
