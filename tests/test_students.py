"""The benchmark of students still runs: its teachers are what they are said to be."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.benchmark import benchmark

from itnet_nas.kernels import Site

students = benchmark("students")


@pytest.mark.parametrize("teacher", students.TEACHERS, ids=lambda teacher: teacher.name)
def test_a_teacher_looks_ahead_only_where_its_domain_lets_it(teacher: Any) -> None:
    torch.manual_seed(0)
    operator = teacher.build(Site(domain=teacher.domain, width=students.WIDTH))
    u_BND = torch.randn(2, students.LENGTH, students.WIDTH)
    other_BND = u_BND.clone()
    other_BND[:, -1] += 1

    changed_N = (operator(u_BND, None, None) - operator(other_BND, None, None)).abs().amax((0, 2))

    assert changed_N[-1] > 1e-3
    assert bool((changed_N[:-1] > 1e-6).any()) is not teacher.causal


def test_the_running_mean_is_a_recurrence_of_one_number_per_channel() -> None:
    torch.manual_seed(0)
    mean = students.RunningMean(width=3, rate=0.3).double()
    u_BND = torch.randn(2, 7, 3, dtype=torch.float64)
    h_BD = torch.zeros(2, 3, dtype=torch.float64)
    rows = []
    for u_BD in u_BND.unbind(1):
        h_BD = 0.7 * h_BD + 0.3 * u_BD
        rows.append(h_BD @ mean.mix_DD.T)

    torch.testing.assert_close(mean(u_BND), torch.stack(rows, 1))


def test_a_student_gets_nearer_to_its_teacher() -> None:
    teacher = next(one for one in students.TEACHERS if one.name == "mean")
    torch.manual_seed(0)
    site = Site(domain=teacher.domain, width=students.WIDTH)
    known = teacher.build(site).requires_grad_(False)
    student = students.family("integral", hidden=4, heads=4, hadamard=0)(site)

    first = students.learn(known, student, steps=1, lr=1e-6, seed=0)
    later = students.learn(known, student, steps=40, lr=1e-2, seed=0)

    assert later > first + 0.3
