"""Event accounting: nothing is lost and nothing counts twice, from ROOT files to scores.

The stages state what they read, dropped and wrote in their files; here it is added up
(`calovision.core.account`), and compared with what the files hold now. A difference is an
InputError, one sentence that names the stage, the sample, the files and both numbers.
"""

from calovision.accounting.accounts import Accounts
from calovision.accounting.image_files import account_images
from calovision.accounting.sources import SampleSources

__all__ = ["Accounts", "SampleSources", "account_images"]
