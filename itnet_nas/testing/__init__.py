"""Contracts that plugin authors run on what they offer. Public: covered by the promise.

KernelFamilyContract   itnet_nas.testing.kernel_contract, for kernel families
TaskContract           itnet_nas.testing.task_contract, for tasks
influence              itnet_nas.testing.influence, which position acts on which
"""
