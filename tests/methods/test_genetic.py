"""The genetic search: every generation is the published one, and tiny problems are solved exactly."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws import tiny
from tests.methods.test_edge_popup import task_on

from ticketry import data
from ticketry.core.errors import BudgetSpent, RequestError
from ticketry.core.fitness.kernels import Score
from ticketry.core.masks import bits
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.evolution.masks.walk import Walk
from ticketry.experiment import Lock
from ticketry.methods.genetic import Genetic, State

LONG = Budget(generations=10**9)
Genome = tuple[bool, ...]


def walk(method: Genetic, task: Task, steps: int, state: State | None = None) -> State:
    state = state or method.init(task)
    for _ in range(steps):
        state = method.step(task, state)
    return state


def ended(method: Genetic, task: Task, most: int = 5000) -> State:
    *_, state = tiny.states(method, task, most)
    return state


def masks(state: State, d: int) -> list[Genome]:
    return [tuple(row) for row in bits.unpack(state.genomes.numpy().view(np.uint64), d).tolist()]


class Transcription:
    """The algorithm of the papers, one individual after the other, with the draws of the streams."""

    def __init__(self, method: Genetic, task: Task) -> None:
        self.method, self.task, self.d = method, task, task.space.size
        self.population = self.ranked(self.drop(self.migrants(0, method.population), []))

    def score(self, genome: Genome) -> float:
        """Lower is better."""
        score = self.task.fitness(torch.tensor([genome]))
        if self.method.fitness == "accuracy":
            return -float(score.quality[0])
        return float(score.loss[0])

    def ranked(self, genomes: list[Genome]) -> list[tuple[float, Genome]]:
        return sorted(((self.score(g), g) for g in genomes), key=lambda scored: scored[0])

    def drop(self, genomes: list[Genome], known: list[Genome]) -> list[Genome]:
        """Without duplicates, the first of which stays."""
        return [g for i, g in enumerate(genomes) if g not in known and g not in genomes[:i]]

    def migrants(self, generation: int, n: int) -> list[Genome]:
        width = 64 * -(-self.d // 64)
        coins = self.task.stream("random", generation, 0, 0).bits(n * width).reshape(n, width)
        return [tuple(row[: self.d]) for row in coins.tolist()]

    def generation(self, number: int) -> None:
        n, method = len(self.population), self.method
        elders = [genome for _, genome in self.population]  # best first, the sparser of equals first
        numbers = [int(x) / 2**32 for x in self.task.stream("choose", number).integers(6 * n, 2**32)]
        top = max(1, math.floor(method.parents * n + 1e-9))
        lovers = [i for i in range(n) if numbers[i] < method.recombination]
        mates = [int(top * x) for x in numbers[3 * n : 3 * n + len(lovers)]]
        width = 64 * -(-self.d // 64)
        coins = self.task.stream("cross", number, 0).bits(len(lovers) * width).reshape(-1, width)
        children: list[Genome] = []
        for lover, mate, coin in zip(lovers, mates, coins, strict=True):
            pairs = zip(elders[lover], elders[mate], coin, strict=False)
            children.append(tuple(a if heads else b for a, b, heads in pairs))
        everyone = elders + children
        chosen = [i for i in range(len(everyone)) if numbers[n + i] < method.mutation]
        mutants = []
        for i, share in zip(chosen, numbers[4 * n :], strict=False):
            genome, position = list(everyone[i]), int(share * self.d)
            genome[position] = not genome[position]
            mutants.append(tuple(genome))
        migrants = self.migrants(number, math.floor(method.migration * method.population + 1e-9))
        new = self.drop(children + mutants + migrants, elders)
        whole = self.population + [(self.score(g), g) for g in new]
        whole.sort(key=lambda scored: (scored[0], sum(scored[1])))
        self.population = whole[: method.population]


@pytest.mark.parametrize(
    "method",
    [
        Genetic(fitness="accuracy", sparsify="none"),
        Genetic(fitness="cross_entropy", sparsify="none"),
        Genetic(fitness="accuracy", population=7, recombination=1.0, parents=0.5, mutation=0.5, migration=0.3),
        Genetic(fitness="accuracy", population=2, recombination=0.0, parents=0.0, mutation=1.0, migration=0.0),
    ],
    ids=["accuracy", "cross-entropy", "busy", "mutation alone"],
)
def test_generations_are_those_of_the_papers(method: Genetic) -> None:
    task = tiny.problem(method, LONG).task
    naive, state = Transcription(method, task), method.init(task)
    assert sorted(masks(state, 480)) == sorted(g for _, g in naive.population)
    for number in range(1, 8):
        naive.generation(number)
        state = method.step(task, state)
        assert masks(state, 480) == [g for _, g in naive.population]
        scores = [score for score, _ in naive.population]
        found = -state.quality if method.fitness == "accuracy" else state.loss
        assert found.tolist() == pytest.approx(scores, rel=1e-5)


def small(seed: int = 3, **given: Any) -> Task:
    """3 x 4 weights of one matrix, so that all 4096 masks can be tried; 40 examples of 3 classes."""
    draw = np.random.default_rng(seed)
    return task_on([draw.uniform(-1, 1, (3, 4))], draw.normal(size=(40, 4)), (np.arange(40) % 3).tolist(), **given)


def exhausted(task: Task) -> tuple[torch.Tensor, Score]:
    every = torch.tensor(list(product([False, True], repeat=task.space.size)))
    return every, task.fitness(every)


def test_the_best_of_all_masks_is_found() -> None:
    task = small(budget=LONG)
    every, score = exhausted(task)
    method = Genetic(population=30, sparsify="none", fitness="cross_entropy")
    state = ended(method, task)
    assert torch.equal(method.mask(task, state), every[score.loss.argmin()])
    assert state.unchanged >= 50
    assert state.generation >= 100


def test_among_the_most_accurate_masks_the_sparsest_is_found() -> None:
    task = small(budget=LONG)
    every, score = exhausted(task)
    method = Genetic(population=30, sparsify="none", fitness="accuracy")
    mask = method.mask(task, ended(method, task))
    best = every[score.quality == score.quality.max()]
    assert any(torch.equal(mask, other) for other in best)
    assert mask.sum() == best.sum(1).min()


def test_the_front_is_that_of_all_masks_that_lived() -> None:
    """With a population of all 4096 masks the front is the true one."""
    task = small(budget=LONG)
    every, score = exhausted(task)
    method = Genetic(population=4096, recombination=0.9, mutation=0.9, migration=0.9, sparsify="none")
    state = walk(method, task, 12)
    assert len(state.genomes) == 4096
    found, losses = method.front(task, state)
    best = [score.loss[every.sum(1) == ones].min().item() for ones in range(13)]
    expected = [ones for ones in range(13) if ones == 0 or best[ones] < min(best[:ones])][::-1]
    assert found.sum(1).tolist() == expected
    assert losses.tolist() == pytest.approx([best[ones] for ones in expected], rel=1e-6)


@pytest.mark.parametrize("kept", [1, 4, 9])
def test_at_a_density_the_best_of_that_density_is_found(kept: int) -> None:
    task = small(budget=Budget(generations=400))
    every, score = exhausted(task)
    right = every.sum(1) == kept
    method = Genetic(population=20, fitness="cross_entropy", density=kept / 12)
    assert torch.equal(method.mask(task, ended(method, task)), every[right][score.loss[right].argmin()])


def test_elders_are_not_evaluated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    real = Task.fitness

    def noted(task: Task, masks: torch.Tensor, *args: Any, **kwargs: Any) -> Score:
        seen.extend(row.numpy().tobytes() for row in masks)
        return real(task, masks, *args, **kwargs)

    monkeypatch.setattr(Task, "fitness", noted)
    task = tiny.problem(Genetic(), LONG).task
    state = walk(Genetic(), task, 30)
    living = [np.array(row).tobytes() for row in masks(state, 480)]
    assert all(seen.count(row) == 1 for row in living)
    assert task.meters.evaluations == len(seen)


def test_the_limit_of_survival_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in (Genetic(fitness="accuracy"), Genetic(fitness="cross_entropy")):
        with_limit = walk(method, tiny.problem(method, LONG).task, 40)
        with monkeypatch.context() as patch:
            patch.setattr("ticketry.evolution.masks.population.worst", lambda *_: None)
            without = walk(method, tiny.problem(method, LONG).task, 40)
        assert tiny.same(with_limit, without)


def test_not_a_number_never_lives_beside_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Task.fitness

    def half_broken(task: Task, masks: torch.Tensor, *args: Any, **kwargs: Any) -> Score:
        score = real(task, masks, *args, **kwargs)
        broken = masks[:, 0]
        return Score(
            torch.where(broken, torch.nan, score.loss), torch.where(broken, 0.0, score.quality)
        )  # an accuracy of 0 is possible, no loss is

    monkeypatch.setattr(Task, "fitness", half_broken)
    for method in (Genetic(fitness="accuracy"), Genetic(fitness="cross_entropy")):
        state = walk(method, tiny.problem(method, LONG).task, 10)
        assert not any(mask[0] for mask in masks(state, 480))
        assert state.front_loss.isfinite().all()


def test_equal_masks_live_once() -> None:
    task = small(budget=LONG)
    state = walk(Genetic(population=60), task, 30)
    assert len(set(masks(state, 12))) == len(state.genomes) == 60
    assert len(Genetic(population=5000).init(task).genomes) < 4096  # of 5000 draws from 4096 masks


@pytest.mark.parametrize("settings", [{}, {"density": 0.4}, {"bound": "adaptive", "connectivity": "strict"}])
def test_a_search_goes_on_from_its_state_alone(settings: dict[str, Any]) -> None:
    method = Genetic(tries=20, **settings)
    whole = list(tiny.states(method, tiny.problem(method, Budget(generations=8)).task))
    for start in (0, 3, 7):
        task = tiny.problem(method, Budget(generations=8)).task
        task.meters.steps = start
        again = list(tiny.states(replace_init(method, whole[start]), task))
        assert len(again) == len(whole) - start
        assert all(tiny.same(a, b) for a, b in zip(again, whole[start:], strict=True))


def replace_init(method: Genetic, state: State) -> Any:
    """The method, beginning with a state."""

    class Resumed:
        init = staticmethod(lambda task: state)
        step = staticmethod(method.step)

    return Resumed()


class TestEnd:
    def test_after_patience_but_not_before_the_earliest_generation(self) -> None:
        task = small(budget=LONG)
        settings = {"population": 30, "sparsify": "none", "fitness": "cross_entropy"}
        assert ended(Genetic(**settings, patience=5, earliest=0), task).unchanged == 5  # type: ignore[arg-type]
        late = ended(Genetic(**settings, patience=5, earliest=60), small(budget=LONG))  # type: ignore[arg-type]
        assert late.generation == 60

    def test_with_every_example_right(self) -> None:
        task = task_on([np.eye(2)], np.eye(2), [0, 1], budget=LONG)
        state = ended(Genetic(sparsify="none"), task)
        assert state.quality[0] == 1
        assert state.generation == 1

    def test_cross_entropy_goes_on(self) -> None:
        task = task_on([np.eye(2)], np.eye(2), [0, 1], budget=LONG)
        assert ended(Genetic(sparsify="none", fitness="cross_entropy"), task).generation == 100

    def test_the_sparsifier_has_the_reserve_of_the_budget(self) -> None:
        method = Genetic(reserve=0.3)
        states = list(tiny.states(method, tiny.problem(method, Budget(generations=20)).task))
        assert [state.generation for state in states][-8:] == [13, 14, 14, 14, 14, 14, 14, 14]
        assert states[-1].walk[-1] > 0
        assert len(states) == 21

    def test_the_sparsifier_follows_the_patience_and_ends_the_search(self) -> None:
        task = small(budget=LONG)
        state = ended(Genetic(population=30, fitness="cross_entropy"), task)
        walk = Walk.of(state.best, state.walk)
        assert walk.dense_loss == state.loss[0]
        assert walk.dense_kept == sum(masks(state, 12)[0])
        assert walk.tried == 12 * 12

    def test_a_budget_too_small_for_the_first_population_is_no_error(self) -> None:
        task = tiny.problem(Genetic(), Budget(evaluations=7)).task
        state = Genetic().init(task)
        with pytest.raises(BudgetSpent):
            Genetic().step(task, state)
        assert task.meters.evaluations == 0


class TestDigits:
    """Two classes of handwritten digits, a hidden layer of 8."""

    def test_two_classes_are_told_apart_by_few_weights(self) -> None:
        method = Genetic()
        task = tiny.problem_of_experiment(
            replace(tiny.experiment(method, LONG), data="digits(classes=2)", model="mlp:8"), dataset=None
        ).task
        state = ended(method, task)
        mask = method.mask(task, state)
        assert task.space.density(mask) < 0.1
        assert task.validate(mask)[1] == 1.0
        kept = method.front(task, state)[0].sum(1)
        assert (kept.diff() < 0).all()


@pytest.mark.parametrize("scheme", ["lax", "soft", "strict"])
def test_connectivity_holds_for_all_that_live(scheme: Any) -> None:
    method = Genetic(connectivity=scheme, initial=0.06, population=20)
    for lock in (None, Lock(off=0.3, on=0.02)):
        task = tiny.problem(method, LONG, lock).task
        state = walk(method, task, 10)
        whole = task.space.full(torch.tensor(masks(state, task.space.size)))
        first, second = whole[:, :384].reshape(-1, 24, 16), whole[:, 384:].reshape(-1, 4, 24)
        into, out = first.any(2), second.any(1)
        assert (into & out).any(1).all()
        if lock is None and scheme != "lax":
            assert not (first & ~out[:, :, None]).any()
            assert scheme == "soft" or not (second & ~into[:, None, :]).any()


class TestBound:
    def test_all_that_come_reach_a_static_bound(self) -> None:
        method = Genetic(bound="static", bound_at=0.3, population=20, fitness="accuracy")
        task = tiny.problem(method, LONG).task
        first = method.init(task)
        words = torch.tensor(masks(first, 480))
        assert (task.fitness(words).quality >= 0.3).all()
        assert walk(method, task, 5, first).bound.tolist()[:2] == [0.3, 0]

    def test_a_bound_out_of_reach_is_refused_in_one_sentence(self) -> None:
        method = Genetic(bound="static", bound_at=0.99, tries=50)
        task = tiny.problem(method, LONG).task
        with pytest.raises(RequestError, match=r"^bound is static at 0\.99, but none of 50 .*; lower --bound-at .*\.$"):
            method.init(task)
        assert task.meters.evaluations < 50 + 32

    def test_an_adaptive_bound_falls_to_what_is_reached(self) -> None:
        method = Genetic(bound="adaptive", tries=10, population=5)
        state = method.init(tiny.problem(method, LONG).task)
        assert 0.2 < state.bound[0] < 0.85
        assert state.bound[1] > 0

    def test_a_budget_too_small_for_the_bound_is_one_sentence(self) -> None:
        method = Genetic(bound="adaptive")
        with pytest.raises(RequestError, match=r"^budget.evaluations is 40, but it must be enough"):
            method.init(tiny.problem(method, Budget(evaluations=40)).task)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"population": 1}, "population is 1, but it must be at least 2; "),
        ({"recombination": 1.1}, "recombination is 1.1, but it must be in [0, 1]; "),
        ({"parents": -0.1}, "parents is -0.1, but it must be in [0, 1]; "),
        ({"mutation": math.nan}, "mutation is nan, but it must be in [0, 1]; "),
        ({"migration": 2.0}, "migration is 2.0, but it must be in [0, 1]; "),
        ({"initial": 0.0}, "initial is 0.0, but it must be in (0, 1]; "),
        ({"fitness": "loss"}, "fitness is 'loss', which does not exist; known are accuracy, auto, cross_entropy: "),
        ({"bound": "high"}, "bound is 'high', which does not exist; known are adaptive, none, static: "),
        ({"connectivity": "firm"}, "connectivity is 'firm', which does not exist; "),
        ({"sparsify": "yes"}, "sparsify is 'yes', which does not exist; "),
        ({"bound_at": 70.0}, "bound_at is 70.0, but it must be in [0, 1]; "),
        ({"tries": 0}, "tries is 0, but it must be at least 1; "),
        ({"patience": 0}, "patience is 0, but it must be at least 1; "),
        ({"earliest": -1}, "earliest is -1, but it must be 0 or more; "),
        ({"price": math.inf}, "price is inf, but it must be 0 or more and finite; "),
        ({"reserve": 1.5}, "reserve is 1.5, but it must be in [0, 1]; "),
        ({"density": 0.0}, "density is 0.0, but it must be in (0, 1] or none; "),
        ({"density": 0.5, "connectivity": "lax"}, "connectivity is lax, but it must be negligent beside a density; "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_setting_out_of_range_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError) as error:
        Genetic(**wrong)
    assert str(error.value).startswith(sentence)


def test_labels_all_alike_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    y = np.zeros(20, np.int64)
    with pytest.raises(RequestError, match="of one class only"):
        data.from_arrays("constant", x, y, x, y)
    y[0] = 1
    task = task_on([np.eye(3)], x.astype(np.float64), [1] * 20, budget=LONG)
    with pytest.raises(RequestError, match=r"^data is of class 1 alone in its training part, but it must be of at"):
        Genetic().init(task)


def test_paths_through_convolutions_are_refused() -> None:
    method = Genetic(connectivity="strict")
    wanted = replace(tiny.experiment(method, LONG), data="digits", model="conv2")
    with pytest.raises(RequestError, match=r"^connectivity is strict, but it must be negligent for this model"):
        method.init(tiny.problem_of_experiment(wanted).task)


def test_masks_without_any_path_are_refused() -> None:
    method = Genetic(connectivity="lax", initial=1e-7)
    with pytest.raises(RequestError, match=r"^connectivity is lax, but none of .*raise --initial"):
        method.init(tiny.problem(method, LONG).task)


def test_state_has_no_more_than_it_needs() -> None:
    """A population of 100 at the size of LeNet-300-100 takes megabytes, and does not grow."""
    state = walk(Genetic(), tiny.problem(Genetic(), LONG).task, 5)
    sizes = {f.name: getattr(state, f.name).numel() for f in fields(state) if f.type == "torch.Tensor"}
    assert sizes["genomes"] == 100 * bits.width(480)
    assert sizes["front"] <= 32 * bits.width(480)
