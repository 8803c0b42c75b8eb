import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from itnet_nas.integral.packing import pack, packing, unpack

ROW = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2, 2]])


def test_segments_become_rows_padded_to_the_longest() -> None:
    u_BND = torch.arange(9.0).reshape(1, 9, 1)

    where = packing(ROW)

    assert where.mask_SL.long().tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert unpack(u_BND, where).squeeze(-1).tolist() == [[0, 1, 2, 0], [3, 4, 0, 0], [5, 6, 7, 8]]


def test_a_number_that_comes_again_later_is_another_segment() -> None:
    where = packing(torch.tensor([[5, 5, 2, 5]]))

    assert where.mask_SL.long().tolist() == [[1, 1], [1, 0], [1, 0]]


def test_the_next_row_begins_a_new_segment_even_with_the_same_number() -> None:
    where = packing(torch.tensor([[3, 3], [3, 3]]))

    assert where.mask_SL.tolist() == [[True, True], [True, True]]


def test_what_is_not_real_is_left_out_and_comes_back_as_0() -> None:
    mask_BN = torch.tensor([[True] * 3 + [False] + [True] * 5])
    u_BND = torch.arange(1.0, 10.0).reshape(1, 9, 1).masked_fill(~mask_BN[..., None], float("nan"))

    where = packing(ROW, mask_BN)
    u_SLD = unpack(u_BND, where)
    again_BND = pack(u_SLD, where)

    assert where.mask_SL.long().tolist() == [[1, 1, 1, 0], [0, 1, 0, 0], [1, 1, 1, 1]]
    assert u_SLD.squeeze(-1).tolist() == [[1, 2, 3, 0], [0, 5, 0, 0], [6, 7, 8, 9]]
    assert again_BND.flatten().tolist() == [1, 2, 3, 0, 5, 6, 7, 8, 9]


def test_rubbish_beyond_a_segment_does_not_come_back() -> None:
    where = packing(ROW)
    y_SLD = unpack(torch.ones(1, 9, 2), where).masked_fill(~where.mask_SL[..., None], float("nan"))

    assert torch.equal(pack(y_SLD, where), torch.ones(1, 9, 2))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=1, max_size=4),
    st.integers(0, 2**14 - 1),
)
def test_unpacked_and_packed_again_is_as_it_was(segments: list[list[int]], bits: int) -> None:
    segment_BN = torch.tensor(segments).sort(1).values
    real_BN = torch.tensor([bits >> n & 1 for n in range(14)] * 2, dtype=torch.bool)
    mask_BN = real_BN[: segment_BN.numel()].reshape(segment_BN.shape)
    u_BND = torch.randn(*segment_BN.shape, 3)

    where = packing(segment_BN, mask_BN)

    assert torch.equal(pack(unpack(u_BND, where), where), u_BND * mask_BN.unsqueeze(-1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_dtype_stays(dtype: torch.dtype) -> None:
    where = packing(ROW)

    u_SLD = unpack(torch.ones(1, 9, 2, dtype=dtype), where)

    assert u_SLD.dtype == dtype
    assert pack(u_SLD, where).dtype == dtype


def test_gradients_come_back_to_where_they_belong() -> None:
    where = packing(ROW)
    u_BND = torch.randn(1, 9, 2, requires_grad=True)
    weight_SLD = torch.randn(3, 4, 2)

    (gradient,) = torch.autograd.grad((unpack(u_BND, where) * weight_SLD).sum(), u_BND)

    assert torch.equal(gradient, pack(weight_SLD, where))
