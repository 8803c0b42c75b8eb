"""The gated delta rule: a memory of pairs (key, value) in which a new value replaces the old one.

    S_t = α_t S_{t−1} (I − β_t k_t k_tᵀ) + β_t v_t k_tᵀ,       y_t = S_t q_t

S is a matrix of E × S numbers; α_t = exp(log_decay_t) ≤ 1 fades all of it, and β_t says how much of
what stood at k_t is replaced by v_t. Keys have length 1, so I − β k kᵀ never enlarges anything.

Position by position this is N small steps. In chunks of C positions it is a few products of
matrices. With a_i = Σ_{t ≤ i} log α_t inside the chunk, and S₀ the memory before it,

    S_i = e^{a_i} S₀ + Σ_{j ≤ i} e^{a_i − a_j} w_j k_jᵀ,       w_i = β_i (v_i − α_i S_{i−1} k_i)

    (I + L) w = β v − β e^a (S₀ k),       L_ij = β_i e^{a_i − a_j} k_i·k_j  for j < i

so what is really written, w, comes from one triangular system, whose right sides β v and β e^a k do
not wait for S₀. Only C × C and S × S matrices are then carried from chunk to chunk. Exponents are
differences of sums, none above 0, and everything is float32 at least.

Source  delta rule in chunks arXiv 2406.06484, with a gate arXiv 2412.06464
Shapes  B examples, H heads, N positions, S numbers of a key, E of a value; J chunks of C positions,
        X = B·H·J chunks in all, R = E + S right sides
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from itnet_nas.integral.accelerators import accelerator
from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.precision import as_given, at_least_float32

FUSED = "fla.ops.gated_delta_rule:chunk_gated_delta_rule"
PACKAGE = "flash-linear-attention"


def unit(k_BHNS: Tensor) -> Tensor:
    """k / √(|k|² + 1e-6), in float32 at least: of length 1, and 0 where k is."""
    k_BHNS = k_BHNS.to(at_least_float32(k_BHNS))
    return k_BHNS * (k_BHNS.square().sum(-1, keepdim=True) + 1e-6).rsqrt()


def delta_chunk(length: int, size: int) -> int:
    """C for keys of `size` numbers: as long as a key, from 16 to 64, and chunks of equal length."""
    chunks = math.ceil(length / min(64, max(16, size)))
    return math.ceil(length / chunks)


def delta_evaluations(
    length: int, size: int, device: str, half: bool
) -> tuple[Evaluation, Evaluation, Evaluation]:
    """The ways to run the rule over `length` positions; `half` says whether values are bfloat16."""
    fused = accelerator(FUSED, device, PACKAGE)
    reason = fused.reason
    use = fused.function is not None and half
    if fused.function is not None and not half:
        reason = f"{PACKAGE} runs this rule in half precision alone, and values are not"
    chunk = delta_chunk(length, size)
    return (
        Evaluation("fused", use, reason),
        Evaluation(
            "chunked",
            not use,
            f"{PACKAGE} does the same in one kernel"
            if use
            else f"{math.ceil(length / chunk)} chunks of {chunk} positions, products of matrices "
            "inside",
        ),
        Evaluation(
            "sequential",
            False,
            f"{length} steps one after the other: ten times as long as chunks, measured on a CPU",
        ),
    )


def delta_rule(
    q_BHNS: Tensor,
    k_BHNS: Tensor,
    v_BHNE: Tensor,
    beta_BHN: Tensor,
    log_decay_BHN: Tensor | None = None,
    chunk: int | None = None,
) -> Tensor:
    """y_BHNE in the dtype of v, with a memory that starts empty.

    A position with β = 0 and log_decay = 0 leaves the memory as it is. `chunk` is C.
    """
    length, size = k_BHNS.shape[2:]
    if log_decay_BHN is None:
        log_decay_BHN = torch.zeros_like(beta_BHN)
    half = v_BHNE.dtype == torch.bfloat16
    if chunk is None:
        chunk = delta_chunk(length, size)
        if taken(delta_evaluations(length, size, v_BHNE.device.type, half)) == "fused":
            return _fused(q_BHNS, k_BHNS, v_BHNE, beta_BHN, log_decay_BHN)
    exact = at_least_float32(v_BHNE)
    q, k, v, beta, log_decay = (
        t.to(exact) for t in (q_BHNS, k_BHNS, v_BHNE, beta_BHN, log_decay_BHN)
    )
    with as_given(v):
        y_BHNE = _chunked(q, k, v, beta, log_decay, chunk)
    return y_BHNE.to(v_BHNE.dtype)


def delta_step(
    s_BHES: Tensor,
    q_BHS: Tensor,
    k_BHS: Tensor,
    v_BHE: Tensor,
    beta_BH: Tensor,
    log_decay_BH: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One position: (y_BHE, the memory after it), in the dtype of the memory."""
    q, k, v, beta = (t.to(s_BHES.dtype) for t in (q_BHS, k_BHS, v_BHE, beta_BH))
    if log_decay_BH is not None:
        s_BHES = s_BHES * log_decay_BH.to(s_BHES.dtype).exp()[..., None, None]
    with as_given(s_BHES):
        written_BHE = beta.unsqueeze(-1) * (v - (s_BHES @ k.unsqueeze(-1)).squeeze(-1))
        s_BHES = s_BHES + written_BHE.unsqueeze(-1) * k.unsqueeze(-2)
        return (s_BHES @ q.unsqueeze(-1)).squeeze(-1), s_BHES


def delta_flops(length: int, size: int, values: int) -> tuple[int, int]:
    """(operations forward, forward and backward) of one head of one example, in chunks.

    For each chunk 4 C² S for both tables, C² R for the triangular system, 2 C² R to read what it
    gives, 2 C R S to sum it up, 2 C E S to read the memory, and 2 E S² to carry it on. The system
    is solved once more on the way back, and its table takes another 2 C² R.
    """
    c = delta_chunk(length, size)
    both = values + size
    products = 4 * c * c * size + 2 * c * c * both + 2 * c * both * size
    products += 2 * c * values * size + 2 * values * size**2
    chunks = math.ceil(length / c)
    return chunks * (products + c * c * both), chunks * (3 * products + 4 * c * c * both)


def _chunked(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor, size: int) -> Tensor:
    """y_BHNE, in chunks of `size` positions."""
    batch, heads, length, values = v.shape
    chunks = math.ceil(length / size)
    rest = chunks * size - length
    q_XCS, k_XCS, v_XCE = (
        F.pad(t, (0, 0, 0, rest)).reshape(-1, size, t.shape[-1]) for t in (q, k, v)
    )
    beta_XC1 = F.pad(beta, (0, rest)).reshape(-1, size, 1)
    a_XC1 = F.pad(log_decay, (0, rest)).reshape(-1, size, 1).cumsum(1)

    later_CC = torch.ones(size, size, dtype=torch.bool, device=v.device).triu(1)
    fade_XCC = (a_XC1 - a_XC1.mT).masked_fill(later_CC, -math.inf).exp()
    since_XC1 = a_XC1.exp()
    strong_XCS = beta_XC1 * k_XCS
    right_XCR = torch.cat([beta_XC1 * v_XCE, since_XC1 * strong_XCS], 2)
    # The diagonal of the table is not read: it counts as 1.
    table_XCC = (strong_XCS @ k_XCS.mT) * fade_XCC
    w_XCR = torch.linalg.solve_triangular(table_XCC, right_XCR, upper=False, unitriangular=True)

    left_XCS = (a_XC1[:, -1:] - a_XC1).exp() * k_XCS  # what is left of a key at the chunk's end
    sum_XRS = w_XCR.mT @ left_XCS
    unit_SS = torch.eye(k.shape[-1], dtype=k.dtype, device=k.device)
    carry_XSS = since_XC1[:, -1:] * unit_SS - sum_XRS[:, values:]
    before_XES = _memories(
        sum_XRS[:, :values].reshape(batch * heads, chunks, values, -1),
        carry_XSS.reshape(batch * heads, chunks, *unit_SS.shape),
    )

    read_XCR = ((q_XCS @ k_XCS.mT) * fade_XCC) @ w_XCR
    from_before_XCS = since_XC1 * q_XCS - read_XCR[..., values:]
    y_XCE = torch.baddbmm(read_XCR[..., :values], from_before_XCS, before_XES.mT)
    return y_XCE.reshape(batch, heads, chunks * size, values)[:, :, :length]


def _memories(new_YJES: Tensor, carry_YJSS: Tensor) -> Tensor:
    """The memory before each chunk, as s_XES: S ← S carry + new, from an empty one."""
    s_YES = torch.zeros_like(new_YJES[:, 0])
    memories = [s_YES]
    for new_YES, carry_YSS in zip(new_YJES.unbind(1)[:-1], carry_YJSS.unbind(1)[:-1], strict=True):
        s_YES = torch.baddbmm(new_YES, s_YES, carry_YSS)
        memories.append(s_YES)
    return torch.stack(memories, 1).flatten(0, 1)


def _fused(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor) -> Tensor:
    """By flash-linear-attention, which puts positions before heads."""
    function = accelerator(FUSED, v.device.type, PACKAGE).function
    assert function is not None
    q, k, v = (t.transpose(1, 2).to(torch.bfloat16).contiguous() for t in (q, k, v))
    beta, log_decay = (t.transpose(1, 2).contiguous() for t in (beta, log_decay))
    y_BNHE: Tensor = function(q, k, v, log_decay.float(), beta.to(v.dtype), scale=1.0)[0]
    return y_BNHE.transpose(1, 2)
