import pytest

from itnet_nas.integral.evaluation import Evaluation, taken

DIRECT = Evaluation("direct", True, "7 taps are few")
FFT = Evaluation("fft", False, "7 taps are few")


def test_the_one_that_is_taken_is_named() -> None:
    assert taken((FFT, DIRECT)) == "direct"


@pytest.mark.parametrize("evaluations", [(), (FFT,), (DIRECT, FFT._replace(taken=True))], ids=len)
def test_none_or_two_of_them_are_a_mistake(evaluations: tuple[Evaluation, ...]) -> None:
    with pytest.raises(ValueError, match="unpack"):
        taken(evaluations)
