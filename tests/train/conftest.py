"""Makes the plugins of these tests importable by path, as installed ones are."""

from __future__ import annotations

import sys
from pathlib import Path

_PLUGINS = str(Path(__file__).parents[1] / "nn" / "plugins")
if _PLUGINS not in sys.path:
    sys.path.insert(0, _PLUGINS)
