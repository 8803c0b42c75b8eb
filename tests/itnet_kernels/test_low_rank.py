from itnet_kernels.low_rank import FAMILY
from itnet_nas.testing.kernel_contract import KernelFamilyContract


class TestLowRank(KernelFamilyContract):
    family = FAMILY
    cases = [
        {"rank": 3, "heads": 2, "reads": "content"},
        {"rank": 2, "heads": 1, "reads": "position"},
        {"rank": 4, "heads": 4},
        {"rank": 200, "heads": 8},
    ]
