"""All accounts of a run: ``accounting.json``, and their table."""

from collections.abc import Iterable
from dataclasses import dataclass

from calovision.core.account import Account, Count
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

    def to_markdown(self) -> str:
        """Table with a row for each sample and stage.

        Networks of a model have a row together: that of its first seed, as those of the other seeds
        see the same events; folds of a seed add up.
        """
        header = ["sample", "stage", "read", "dropped", "written"]
        header += ["expected events" if self.expected else "sum of weights"]
        rows = [self._row(title, account) for title, account in self._lines()]
        return "\n".join(markdown_table(header, rows)) + "\n"

    def _row(self, stage: str, account: Account) -> list[str]:
        scale = self.expected.get(account.sample)
        weight = account.output.weight
        known = "" if scale is None else f"{weight * scale:.4g}"
        return [
            account.sample,
            stage,
            f"{account.read.n:,}",
            _in_words(account.dropped),
            _in_words(account.wrote, is_output=True),
            known if self.expected else f"{weight:.4g}",
        ]

    def _lines(self) -> Iterable[tuple[str, Account]]:
        """Title of the stage and account of each row, by sample."""
        lines: dict[tuple[str, str], tuple[str, Account]] = {}
        for account in self.accounts:
            model, _, rest = account.network.partition("/")
            seed = rest.partition("/")[0]
            title = f"{account.stage} {model}".strip()
            key = (account.sample, title)
            if key not in lines:
                lines[key] = (seed, account)
            elif lines[key][0] == seed:
                lines[key] = (seed, lines[key][1] + account)
        samples = dict.fromkeys(sample for sample, _ in lines)
        for name in samples:
            for (sample, title), (_, account) in lines.items():
                if sample == name:
                    yield title, account


def _in_words(counts: dict[str, Count], *, is_output: bool = False) -> str:
    """``1,200: three fat jets; 30: leading jet``, of an output ``train 300, test 100``."""
    if is_output:
        if len(counts) == 1:
            return f"{next(iter(counts.values())).n:,}"
        return ", ".join(f"{name} {count.n:,}" for name, count in counts.items())
    return "; ".join(f"{name}: {count.n:,}" for name, count in counts.items()) or "0"
