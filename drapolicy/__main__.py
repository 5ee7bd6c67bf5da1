"""``python -m drapolicy`` is the command ``drapolicy``."""

from __future__ import annotations

import sys

from drapolicy.cli import main

sys.exit(main())
