import pytest
import torch

from itnet_nas.integral.precision import as_given, at_least_float32


def test_a_product_inside_keeps_the_dtype_of_its_factors() -> None:
    a = torch.randn(3, 3)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        with as_given(a):
            inside = a @ a
        outside = a @ a

    assert inside.dtype == torch.float32
    assert outside.dtype == torch.bfloat16


def test_a_device_without_autocast_is_no_error() -> None:
    a = torch.empty(3, 3, device="meta")

    with as_given(a):
        product = a @ a

    assert product.dtype == torch.float32


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ],
)
def test_half_precision_is_raised_to_single(given: torch.dtype, wanted: torch.dtype) -> None:
    assert at_least_float32(torch.zeros(1, dtype=given)) == wanted
