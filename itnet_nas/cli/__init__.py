"""The command `itnet-nas`: one file per verb, heavy packages imported only where they are used.

stdout is data, stderr is talk. Every verb takes `--json`.
"""

from __future__ import annotations

__all__: list[str] = []
