"""Makes the plugins of these tests importable by path, as installed ones are."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = str(Path(__file__).parent / "plugins")
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)
