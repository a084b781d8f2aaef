"""``mscompat check``: compare the layers on this machine with recorded results of torch. See README.md beside this."""

from .report import Outcome, Report, print_report
from .runner import DTYPES, MODES, CheckError, check

__all__ = ["DTYPES", "MODES", "CheckError", "Outcome", "Report", "check", "print_report"]
