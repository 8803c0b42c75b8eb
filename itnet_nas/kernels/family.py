"""`KernelFamily`: one way to parametrise the kernel of the integral transform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from itnet_nas.kernels.params import KernelParams

if TYPE_CHECKING:
    from itnet_nas.axes import Bias
    from itnet_nas.integral.evaluation import Evaluation
    from itnet_nas.kernels.cost import Cost
    from itnet_nas.kernels.morphism import Morphism
    from itnet_nas.kernels.operator import Operator
    from itnet_nas.kernels.site import Site

P = TypeVar("P", bound=KernelParams)


class KernelFamily(ABC, Generic[P]):
    """A plugin, offered as an instance under the entry-point group `itnet_nas.kernels`.

    A family holds no state: one instance serves every layer of every trial. All methods but
    `build` are called on the driver, once for each choice of a space; `build` is called where the
    trial runs. All are pure functions of their arguments, but for `build`, which draws initial
    weights from torch's global generator.
    """

    Params: ClassVar[type[KernelParams]]
    summary: ClassVar[str]  # one line for `itnet-nas kernels`
    source: ClassVar[str]  # where the formula comes from

    @abstractmethod
    def bias(self, params: P) -> Bias:
        """What an operator with these params may use, on each axis."""

    @abstractmethod
    def cost(self, site: Site, params: P) -> Cost:
        """Every figure of `Cost` that exists for this operator, by formula."""

    @abstractmethod
    def build(self, site: Site, params: P) -> Operator:
        """The torch module, freshly initialised."""

    def refuses(self, site: Site, params: P) -> str:
        """Why these params cannot stand at this site ("3 heads do not divide width 64").

        An empty text means they can.
        """
        del site, params
        return ""

    def normalize(self, site: Site, params: P) -> P:
        """The simplest params with the same operator at this site.

        A window that reaches every position is the unrestricted one, for example. Idempotent.
        """
        del site
        return params

    def evaluations(self, site: Site, params: P, device: str = "cpu") -> tuple[Evaluation, ...]:
        """The ways to compute the operator on a kind of device ("cpu", "cuda"), one of them taken.

        Read off the same functions by which `forward` chooses. Empty where there is only one way.
        """
        del site, params, device
        return ()

    def morphisms(self, site: Site, params: P) -> tuple[Morphism, ...]:
        """Moves to other params that can keep the function: a wider window, filled up with zeros.

        Empty where there are none.
        """
        del site, params
        return ()
