"""The probe: what a layer does, read off its Jacobian on the inputs that it really has."""

from itnet_nas.nn.probe.budget import DEFAULT, FULL, Budget

__all__ = ["DEFAULT", "FULL", "Budget"]
