from itnet_fourier import FAMILY

from itnet_nas.testing.kernel_contract import KernelFamilyContract


class TestFourier(KernelFamilyContract):
    family = FAMILY
    cases = ({"modes": 1}, {"modes": 4}, {"modes": 12})
