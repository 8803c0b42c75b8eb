"""Who proposes, who schedules, who trains.

`itnet_nas.search(…)` is also the name of a function. Importing a package binds its name in the
parent, over whatever stood there, so this package can be called: it hands the call to the function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from itnet_nas.api import Run


@final
class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Run:
        from itnet_nas.api import search

        return search(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
