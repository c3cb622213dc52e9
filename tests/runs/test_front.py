from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.laws import tiny
from tests.methods import broken

from ticketry.core.task import Task
from ticketry.ticket.module import Ticket


class Fronted(broken.Sound):
    """Keeps the masks of three densities, and has something to say."""

    def notes(self, task: Task, state: broken.State) -> dict[str, float]:
        return {"epochs_seen": float(state.epoch)}

    def front(self, task: Task, state: broken.State) -> tuple[torch.Tensor, torch.Tensor]:
        masks = torch.stack([broken.Sound(d).mask(task, state) for d in (0.5, 0.25, 0.125)])
        return masks, task.fitness(masks).loss


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_a_front_is_written_as_tickets_that_the_result_lists(out: Path) -> None:
    with tiny.known(Fronted):
        done = tiny.execute(tiny.experiment(Fronted()), out)
    front = done.result["front"]
    assert done.result["notes"] == {"epochs_seen": float(done.result["cost"]["steps"])}
    assert [line["density"] for line in front] == [0.5, 0.25, 0.125]
    assert sorted(path.name for path in (out / "front").iterdir()) == ["000.tkt", "001.tkt", "002.tkt"]
    for line in front:
        path = out / line["file"]
        assert line["ticket_bytes"] == path.stat().st_size
        x = torch.from_numpy(tiny.dataset().x[:100])
        net = Ticket.load(path).module()
        kept = sum(int(p.count_nonzero()) for name, p in net.named_parameters() if name.endswith("weight"))
        assert kept == round(line["density"] * 480)
        assert net(x).shape == (100, 4)
    problem = tiny.problem(Fronted())
    mask = torch.from_numpy(Ticket.load(out / front[1]["file"]).content.mask.copy())
    assert problem.task.validate(mask) == (front[1]["val_loss"], front[1]["val_accuracy"])


def test_a_method_without_one_has_no_front(out: Path) -> None:
    with tiny.known(broken.Sound):
        done = tiny.execute(tiny.experiment(broken.Sound()), out)
    assert done.result["front"] == []
    assert done.result["notes"] == {}
    assert not (out / "front").exists()
