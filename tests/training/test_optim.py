"""Optimisers against torch's."""

import copy

import pytest
import torch
from torch import nn

from groundup.training.optim import Matrix, Muon, Optimisers, adamw, orthogonalised


@pytest.mark.parametrize("size", [(32, 32), (48, 16), (16, 48)])
def test_muon_equals_torchs_muon(size):
    torch.manual_seed(0)
    ours = nn.Parameter(torch.randn(size))
    theirs = nn.Parameter(ours.detach().clone())
    mine = Muon([Matrix(ours)], lr=0.02, momentum=0.95, weight_decay=0.1)
    right = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=0.1)
    for _ in range(10):
        gradient = torch.randn(size)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        right.step()
    moved = (theirs - torch.zeros_like(theirs)).abs().mean()
    assert (ours - theirs).abs().max() < 0.01 * moved


def test_fused_matrices_are_stepped_piece_by_piece():
    torch.manual_seed(0)
    fused = nn.Parameter(torch.randn(3 * 8, 16))
    parts = [nn.Parameter(piece.clone()) for piece in fused.detach().chunk(3)]
    whole = Muon([Matrix(fused, pieces=3)], lr=0.1, dtype=torch.float32)
    single = Muon([Matrix(part) for part in parts], lr=0.1, dtype=torch.float32)
    for _ in range(3):
        gradient = torch.randn(24, 16)
        fused.grad = gradient
        for part, piece in zip(parts, gradient.chunk(3), strict=True):
            part.grad = piece.clone()
        whole.step()
        single.step()
    assert torch.allclose(fused, torch.cat(parts), atol=1e-6)


@pytest.mark.parametrize("size", [(4, 24, 40), (2, 40, 24), (1, 32, 32)])
def test_orthogonalised_keeps_singular_vectors_and_flattens_values(size):
    torch.manual_seed(0)
    updates = torch.randn(size, dtype=torch.float64)
    result = orthogonalised(updates, torch.float64, iterations=5)
    values = torch.linalg.svdvals(result)
    assert values.min() > 0.3
    assert values.max() < 1.3
    u, _, vh = torch.linalg.svd(updates, full_matrices=False)
    core = u.transpose(1, 2) @ result @ vh.transpose(1, 2)
    off = core - torch.diag_embed(core.diagonal(dim1=1, dim2=2))
    assert off.abs().max() < 1e-8


def test_optimisers_scale_rates_and_round_trip():
    torch.manual_seed(0)
    model = nn.Linear(6, 4)
    twin = copy.deepcopy(model)

    def build(m):
        return Optimisers([Muon([Matrix(m.weight)], lr=0.02), adamw([m.bias], lr=0.01)])

    first, second = build(model), build(twin)
    for step in range(4):
        if step == 2:
            second.load_state_dict(copy.deepcopy(first.state_dict()))  # torch shares tensors
            twin.load_state_dict(model.state_dict())
        x = torch.randn(8, 6)
        for m, o in [(model, first)] + ([(twin, second)] if step >= 2 else []):
            m(x).square().mean().backward()
            o.set_factor(0.5)
            o.step()
            o.zero_grad()
    assert first.members[0].param_groups[0]["lr"] == 0.01
    assert torch.equal(model.weight, twin.weight)
    assert torch.equal(model.bias, twin.bias)
