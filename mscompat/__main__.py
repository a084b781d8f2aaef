"""``python -m mscompat``."""

import sys

from .cli import main

sys.exit(main())
