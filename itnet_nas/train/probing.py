"""The probe of a trial: what every layer does, before and after training, on validation inputs.

It reads the network and changes nothing: neither weights nor random numbers, so that a trial comes
out the same whether it is probed or not. A probe that fails is a note in the record, never the end
of a trial that has trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from itnet_nas.nn.probe import DEFAULT, probe_network
from itnet_nas.nn.probe.hints import hints
from itnet_nas.nn.probe.network import layer_inputs
from itnet_nas.nn.probe.stepping import step_error
from itnet_nas.results.measured import LayerProbe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from itnet_nas.nn.network import ITNet
    from itnet_nas.nn.probe import Reading
    from itnet_nas.tasks.batch import Batch
    from itnet_nas.tasks.task import Split, Task

SPLIT: Split = "validation"


@final
class Probing:
    """Made before training, asked after it. `error` says what went wrong, if anything did."""

    def __init__(self, network: ITNet, task: Task[Any], seed: int, device: torch.device) -> None:
        self.error = ""
        self._network = network
        self._task = task
        self._seed = seed
        self._device = device
        self._before = self._read()

    def layers(self) -> dict[str, LayerProbe]:
        """Layer -> what it does now, and what it did before; {} where a reading failed."""
        after = self._read()
        steps = self._steps() if after else {}
        return {
            name: LayerProbe(
                trained=reading.scores,
                initial=self._before[name].scores if name in self._before else None,
                step_error=steps.get(name),
                budget=DEFAULT.name,
                split=SPLIT,
                inputs=reading.inputs,
                rows=reading.rows,
                seconds=reading.seconds + (self._before[name].seconds if self._before else 0.0),
                notes=reading.notes,
                hints=hints(self._network.blocks[name].mixer),
            )
            for name, reading in after.items()
        }

    def _read(self) -> dict[str, Reading]:
        try:
            return probe_network(
                self._network, self._batches(), self._task.facts().domain, DEFAULT, self._seed
            )
        except Exception as error:  # an operator's own code; what was trained must not be lost
            self.error = f"{type(error).__name__}: {error}".splitlines()[0]
            return {}

    def _steps(self) -> dict[str, float | None]:
        """How far decoding is from `forward`, of every layer that says it can decode."""
        try:
            given = layer_inputs(self._network, self._batches(), 1)
            return {
                name: step_error(self._network.blocks[name].mixer, field.u_BND[:1])
                for name, field in given.items()
                if field.mask_BN is None
            }
        except Exception as error:
            self.error = f"decoding: {type(error).__name__}: {error}".splitlines()[0]
            return {}

    def _batches(self) -> Iterator[Batch]:
        for batch in self._task.eval_batches(SPLIT, DEFAULT.inputs):
            yield batch.to(self._device)
