"""The probe: what a layer does, read off its Jacobian on the inputs that it really has."""

from itnet_nas.nn.probe.budget import DEFAULT, FULL, Budget
from itnet_nas.nn.probe.network import probe_network
from itnet_nas.nn.probe.probe import Reading, probe_operator

__all__ = ["DEFAULT", "FULL", "Budget", "Reading", "probe_network", "probe_operator"]
