"""The fifteen laws of DESIGN.md. Each raises AssertionError when a method class breaks it, wherever it comes from."""

from __future__ import annotations

import ast
import inspect
import io
import json
import random
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from tests.laws import tiny
from tests.laws.tiny import LOCK, MethodClass

from ticketry.core.fitness.neighbours import Neighbours
from ticketry.core.masks.candidate import Candidate
from ticketry.core.masks.space import Space
from ticketry.core.meters import Budget, Meters
from ticketry.core.nets import backward, natural
from ticketry.core.nets.feed import Feed
from ticketry.core.nets.net import Net
from ticketry.core.seed import locks
from ticketry.core.seed.streams import stream
from ticketry.core.task import Batch, Task
from ticketry.experiment import Lock, Search, from_json
from ticketry.objectives.classification import CrossEntropy
from ticketry.runs import checkpoint, job
from ticketry.runs import find as run
from ticketry.ticket import file

MARGIN = 0.2  # law 11: accuracy above the mean of random masks


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the library may catch it."""


def law_1(method_class: MethodClass) -> None:
    """The same seed gives the same bits."""
    first, second = (
        [(s, method.mask(task, s)) for s in tiny.states(method, task)]
        for method, task in ((method_class(), tiny.problem(method_class()).task) for _ in range(2))
    )
    assert len(first) == len(second)
    for (a, mask_a), (b, mask_b) in zip(first, second, strict=True):
        assert tiny.same(a, b), "the states of two runs of one seed differ"
        assert tiny.same(mask_a, mask_b), "the masks of two runs of one seed differ"


def law_2(method_class: MethodClass) -> None:
    """Stop, save, load, resume equals uninterrupted, in ticket, log and result."""
    wanted = tiny.experiment(method_class())

    def outcome(out: Path) -> tuple[object, ...]:
        log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        result = json.loads((out / "result.json").read_text())
        for timed in (*log, result["cost"]):
            timed.pop("seconds")
        result["cost"].pop("peak_rss_bytes")
        result.pop("seal")  # which is over the others
        return (out / "ticket.tkt").read_bytes(), log, result

    with ExitStack() as stack, patch.object(job, "CHECKPOINT_EVERY", -1.0):
        out = stack.enter_context(tiny.directory())
        tiny.execute(wanted, out)
        whole = outcome(out)
        for save, when in ((1, "before"), (1, "after"), (2, "before"), (3, "after")):
            out = stack.enter_context(tiny.directory())
            with suppress(Killed), patch.object(checkpoint, "save", _deadly(save, when)):
                tiny.execute(wanted, out)
            tiny.execute(replace(wanted, seed=1), out.with_name("other"))  # memory outside the state is overwritten
            tiny.execute(wanted, out)
            assert outcome(out) == whole, f"killed {when} save {save} and resumed, it ended otherwise"


def _deadly(number: int, when: str) -> Callable[..., None]:
    """`checkpoint.save` that dies before or after its `number`-th call."""
    real, calls = checkpoint.save, [0]

    def save(*args: Any) -> None:
        calls[0] += 1
        if (calls[0], when) == (number, "before"):
            raise Killed
        real(*args)
        if calls[0] == number:
            raise Killed

    return save


def law_3(method_class: MethodClass) -> None:
    """The mask is Bool[D], after init and after every step, in whole and in frozen networks."""
    for lock in (None, LOCK):
        method = method_class()
        task = tiny.problem(method, lock=lock).task
        for state in tiny.states(method, task):
            mask = method.mask(task, state)
            assert isinstance(mask, torch.Tensor), f"the mask is a {type(mask).__name__}"
            assert mask.dtype == torch.bool, f"the mask is of {mask.dtype}"
            assert mask.shape == (task.space.size,), f"the mask has shape {tuple(mask.shape)} for D = {task.space.size}"
            assert mask.device == task.device, f"the mask is on {mask.device}, the task on {task.device}"


def law_4(method_class: MethodClass) -> None:
    """The asked density is met to one weight; a method without a `density` field says that it has its own density."""
    if "density" not in {f.name for f in fields(method_class)}:  # type: ignore[arg-type]
        assert "own density" in (sys.modules[method_class.__module__].__doc__ or ""), "it does not say its own density"
        return
    for asked in tiny.densities(method_class):
        for lock in (None, Lock(off=(1 - asked["density"]) / 2, on=asked["density"] / 3)):
            method = method_class(**asked)
            task = tiny.problem(method, lock=lock).task
            for state in tiny.states(method, task):
                kept = int(task.space.full(method.mask(task, state)).sum())
                wanted = max(1, round(asked["density"] * task.space.total))
                assert kept == wanted, f"{kept} weights kept, {wanted} asked for by {asked}"


def law_5(method_class: MethodClass) -> None:
    """It works in a frozen Space and leaves the locks alone."""
    method = method_class()
    wanted = tiny.experiment(method, lock=LOCK)
    task = tiny.problem(method, lock=LOCK).task
    assert task.space.index is not None
    assert task.space.on is not None
    index, on = task.space.index.clone(), task.space.on.clone()
    for state in tiny.states(method, task):
        method.mask(task, state)
    assert torch.equal(task.space.index, index), "it changed which positions are searched"
    assert torch.equal(task.space.on, on), "it changed which positions are locked on"
    with tiny.directory() as out:
        ticket = file.load(tiny.execute(wanted, out).directory.ticket)
    assert ticket.locks is not None
    pattern = np.concatenate(
        [
            locks.pattern(wanted.seed, layer.name, layer.size, off, on)
            for layer, (off, on) in zip(ticket.layers, ticket.locks, strict=True)
        ]
    )
    assert ((pattern < 0).sum(), (pattern > 0).sum()) == (144, 48), "the locks are not 0.3 and 0.1 of 480 weights"
    assert not ticket.mask[pattern < 0].any(), "a position locked off is on"
    assert ticket.mask[pattern > 0].all(), "a position locked on is off"


def law_6(method_class: MethodClass) -> None:
    """Population kernels agree with the loop, for the masks of this method and for random ones."""
    for lock in (None, LOCK):
        method = method_class()
        task = tiny.problem(method, lock=lock).task
        own = method.mask(task, method.init(task))
        drawn = torch.from_numpy(stream(0, "law 6").bits(5 * task.space.size)).view(5, -1)
        masks = torch.cat([own[None], ~own[None], drawn])
        loop, batched = (task.fitness(masks, kernel=kernel) for kernel in ("loop", "batched"))
        assert torch.allclose(loop.loss, batched.loss, rtol=1e-5), "the kernels give different losses"
        assert torch.equal(loop.quality, batched.quality), "the kernels give different accuracies"
        alone = [task.judge(task.effective(mask), task.train) for mask in masks]
        assert np.allclose(loop.loss, [loss for loss, _ in alone], rtol=1e-5), "the loop is not the plain evaluation"


def law_7(method_class: MethodClass) -> None:
    """The budget is never exceeded, and all spending is metered: an independent count of the network's work agrees."""
    for name, limit in (("epochs", 2), ("generations", 2), ("evaluations", 7), ("seconds", 1e-9), ("seconds", 0.05)):
        method = method_class()
        task = tiny.problem(method, Budget(**{"generations": 20, name: limit})).task
        meters = task.meters
        with _counted() as spent:
            taken, done, before = -1, 0.0, 0
            for _ in tiny.states(method, task, most=60):
                over = done >= limit and spent["forward"] > before
                assert not over, f"a step went on working after budget.{name} {limit:g} was spent"
                done = {"generations": meters.steps}.get(name, getattr(meters, name, 0))
                taken, before = taken + 1, spent["forward"]
            counts = (meters.examples_forward, meters.examples_backward, meters.evaluations, meters.epochs)
            assert counts == tuple(spent.values()), f"metered {counts}, spent {spent}"
            assert taken < 60, f"budget.{name} {limit:g} and the method's own budget do not end the search"
            assert meters.steps == taken, f"{taken} steps taken, {meters.steps} metered"
            assert name == "seconds" or done <= limit, f"{done} {name} spent of {limit}"
            assert limit != 1e-9 or taken == 0, "a step was taken after the time was over"


@contextmanager
def _counted() -> Iterator[dict[str, int]]:
    """What networks do, told by those who do it and not by the meter.

    Outputs that a module returns, and as many backward for every derivative that autograd takes of them; outputs of the
    kernels that are written out, which end in a loss: in sums, or in slopes, from which they go backward.
    """
    spent = {"forward": 0, "backward": 0, "networks": 0, "epochs": 0}
    rows, drawing, batches = [0], [0], Task.batches

    def through(out: torch.Tensor, *_: Any) -> None:
        many = torch._C._functorch.is_batchedtensor(out)
        whole = torch._C._functorch.get_unwrapped(out) if many else out
        rows[0] = whole.numel() // whole.shape[-1]
        spent["forward"] += rows[0]
        spent["networks"] += rows[0] if many else drawing[0]

    def written(outputs: torch.Tensor, backward: int) -> None:
        spent["forward"] += outputs.shape[0] * outputs.shape[2]
        spent["backward"] += outputs.shape[0] * outputs.shape[2] * backward

    def natural_one(*given: Any) -> Any:
        drawing[0] = 1
        try:
            found = drawn(*given)
            spent["forward"] += 2 * len(given[4])  # means and variances of all layers
        finally:
            drawing[0] = 0
        return found

    def counted_batches(task: Task, *args: Any) -> Iterator[Batch]:
        for number, batch in enumerate(batches(task, *args)):
            spent["epochs"] += number == 0
            yield batch

    def add(name: str, number: int) -> None:
        spent[name] += number

    drawn = natural.natural_gradient
    with (
        _after(Net, "_call", through),
        _after(torch.autograd, "grad", lambda *_: add("backward", rows[0])),
        _after(CrossEntropy, "sums", lambda _, loss, outputs, *rest: written(outputs, 0)),
        _after(CrossEntropy, "slope", lambda _, loss, outputs, *rest: written(outputs, 1)),
        _after(Task, "fitness", lambda score, *_: add("networks", len(score.loss))),
        _after(Neighbours, "flips", lambda score, *_: add("networks", len(score.loss))),
        _after(Neighbours, "__init__", lambda *_: add("networks", 1)),
        patch.object(natural, "natural_gradient", natural_one),
        patch.object(Task, "batches", counted_batches),
    ):
        yield spent


def _after(owner: Any, name: str, note: Callable[..., None]) -> Any:
    """Call `note` with what a function returned, if it did, and with what it was given."""
    real = getattr(owner, name)

    def noted(*args: Any, **given: Any) -> Any:
        found = real(*args, **given)
        note(found, *args)
        return found

    return patch.object(owner, name, noted)


def law_8(method_class: MethodClass) -> None:
    """A poisoned test split is never touched by the search, and judged exactly once."""
    events: list[str] = []

    class Poisoned(Feed):
        """A split of NaN that notes every look at it."""

        def __getattribute__(self, name: str) -> Any:
            if name in ("x", "y"):
                events.append("test")
            return super().__getattribute__(name)

        def batch(self, index: Any, augment: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
            seen.extend(range(*index.indices(len(self))))
            return super().batch(index, augment)

    def poisoned(*args: Any, **kwargs: Any) -> Any:
        found = prepare(*args, **kwargs)
        return replace(found, test=Poisoned(found.test.x * torch.nan, found.test.y, found.test.affine))

    def noting(name: str) -> Callable[..., Any]:
        real = getattr(method_class, name)

        def noted(*args: Any) -> Any:
            events.append("search")
            done = real(*args)
            events.append("search")
            return done

        return noted

    seen: list[int] = []
    prepare = run.problem_of_experiment
    with ExitStack() as stack:
        out = stack.enter_context(tiny.directory())
        stack.enter_context(patch.object(run, "problem_of_experiment", poisoned))
        for name in ("init", "step", "mask"):
            stack.enter_context(patch.object(method_class, name, noting(name)))
        result = tiny.execute(tiny.experiment(method_class()), out).result
    assert "test" in events, "the test split was never judged"
    assert "search" not in events[events.index("test") :], "the search touched the test split, or went on after it"
    assert seen == list(range(400)), "the test split was not judged exactly once"
    assert result["loss"]["test"] is None, "the loss on the poisoned test split is a number"


def law_9(method_class: MethodClass) -> None:
    """The state survives serialisation bit for bit, and so does the mask."""
    method = method_class()
    task = tiny.problem(method).task
    state_type = method_class.state
    with tiny.directory() as out:
        for state in tiny.states(method, task):
            mask = method.mask(task, state)
            best = run.Best(Candidate(mask), 0.1, 0.2, 3)
            parts = {"method": state, "best": best, "meters": task.meters}
            try:
                checkpoint.save(out, "digest", parts)
            except TypeError as error:
                raise AssertionError(f"it cannot be saved: {error}") from None
            kinds = {"method": state_type, "best": run.Best, "meters": Meters}
            loaded = checkpoint.load(out, "digest", kinds, task.device)
            assert tiny.same(loaded["method"], state), f"saved {state}, loaded {loaded['method']}"
            assert tiny.same(method.mask(task, loaded["method"]), mask), "the loaded state has another mask"
            assert tiny.same(loaded["best"], best)
            assert loaded["meters"] == task.meters


def law_10(method_class: MethodClass) -> None:
    """The configuration survives JSON, and every field has a default."""
    try:
        method_class()
    except TypeError as error:
        raise AssertionError(f"it has no defaults: {error}") from error
    with tiny.known(method_class):
        for asked in tiny.densities(method_class):
            wanted = tiny.experiment(method_class(**asked), lock=LOCK, seed=7)
            wanted = replace(wanted, search=Search(include=("fc1.*", "fc2.*"), exclude=("*.bias",)))
            back = from_json(json.loads(json.dumps(wanted.resolved)))
            assert back.method == wanted.method, f"{wanted.method} came back as {back.method}"
            assert back.digest == wanted.digest, "the digest changed"
            assert back == replace(wanted, budget=wanted.budget.over(method_class.budget)), "another field changed"


def law_11(method_class: MethodClass) -> None:
    """A strong ticket beats random masks of equal density on the test split by 0.2 in accuracy.

    Methods of kind `trainable` are exempt: their masks are not meant to work before training.
    """
    if method_class.kind != "strong":
        return
    for asked in [a for a in tiny.densities(method_class) if a.get("density", 0.5) in (0.5, 0.337)]:
        method = method_class(**asked)
        with tiny.directory() as out:
            found = tiny.execute(tiny.experiment(method, budget=Budget()), out).result
        there = tiny.problem(method)
        task = there.task
        random_scores = []
        for number in range(5):
            mask = torch.zeros(task.space.size, dtype=torch.bool)
            mask[torch.from_numpy(stream(number, "law 11").permutation(task.space.size)[: found["kept"]])] = True
            random_scores.append(task.judge(task.effective(mask), there.test)[1])
        chance = sum(random_scores) / 5
        assert found["accuracy"]["test"] >= chance + MARGIN, f"{found['accuracy']['test']} against {chance} by chance"


def law_12(method_class: MethodClass) -> None:
    """The states of global generators, and every input, are unchanged, in whole and in frozen networks."""
    for lock in (None, LOCK):
        method = method_class()
        task = tiny.problem(method, lock=lock).task
        inputs = {
            "weights": task._base,
            "training examples": task.train.x,
            "training labels": task.train.y,
            "validation examples": task.validation.x,
            "searched positions": task.space.index,
            "locked positions": task.space.on,
        }
        before = {name: tiny.raw(value) for name, value in inputs.items() if value is not None}
        before_globals = _globals()
        given: list[tuple[Any, dict[str, bytes]]] = []
        for state in tiny.states(method, task):
            given.append((state, _bits(state)))
            method.mask(task, state)
            assert all(_bits(old) == bits for old, bits in given), "a step or mask changed a state that it was given"
        for name, value in inputs.items():
            assert value is None or tiny.raw(value) == before[name], f"the {name} changed"
        after = _globals()
        assert after == before_globals, f"changed: {[name for name in after if after[name] != before_globals[name]]}"


def _bits(state: Any) -> dict[str, bytes]:
    return {name: tiny.raw(tensor) for name, tensor in tiny.tensors(state).items()}


def _globals() -> dict[str, object]:
    legacy = np.random.get_state()  # noqa: NPY002
    return {
        "torch generator": tiny.raw(torch.get_rng_state()),
        "NumPy generator": (legacy[1].tobytes(), legacy[2]),  # type: ignore[union-attr, index]
        "Python generator": random.getstate(),
        "default dtype": torch.get_default_dtype(),
        "gradient mode": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
    }


def law_13(method_class: MethodClass) -> None:
    """A loss that is not finite never wins and never crashes."""
    try:
        _all_losses_bad(method_class)
        _some_batches_bad(method_class)
        _some_validations_bad(method_class)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"it crashed: {error!r}") from error


def _all_losses_bad(method_class: MethodClass) -> None:
    train, evaluate = Net.train_logits, Net.eval_logits
    for bad in (torch.nan, torch.inf):
        with (
            tiny.directory() as out,
            patch.object(Net, "train_logits", lambda *args: train(*args) * bad),  # noqa: B023
            patch.object(backward, "by_hand", _spoilt(lambda: bad)),  # noqa: B023
            patch.object(Net, "eval_logits", lambda *args: evaluate(*args) * bad),  # noqa: B023
        ):
            result = tiny.execute(tiny.experiment(method_class()), out).result
        assert set(result["loss"].values()) == {None}, "a loss that is not finite was reported as a number"


def _spoilt(factor: Callable[[], float]) -> Callable[..., torch.Tensor]:
    """What finds gradients of plain stacks, its answers multiplied by a factor."""
    by_hand = backward.by_hand

    def spoilt(*args: Any) -> torch.Tensor:
        losses, by = by_hand(*args), factor()
        for part in (*args[6], *(args[7] if len(args) > 7 else ())):
            if part is not None:
                part.mul_(by)
        return losses * by

    return spoilt


def _some_batches_bad(method_class: MethodClass) -> None:
    train, calls = Net.train_logits, [0]

    def sometimes() -> float:
        calls[0] += 1
        return torch.nan if calls[0] % 2 else 1.0

    method = method_class()
    task = tiny.problem(method).task
    with (
        patch.object(Net, "train_logits", lambda *args: train(*args) * sometimes()),
        patch.object(backward, "by_hand", _spoilt(sometimes)),
    ):
        for state in tiny.states(method, task):
            spoilt = [name for name, t in tiny.tensors(state).items() if t.is_floating_point() and t.isnan().any()]
            assert not spoilt, f"NaN got into {spoilt}"
            loss, _ = task.validate(method.mask(task, state))
            assert np.isfinite(loss), "the mask has no finite loss"


def _some_validations_bad(method_class: MethodClass) -> None:
    """A tempting accuracy with a loss of NaN, first for all but the untrained mask, then for that one alone."""
    validate, density = Task.validate, Space.density
    for first_is_bad in (False, True):
        masks: list[torch.Tensor] = []

        def logged(space: Space, mask: torch.Tensor) -> float:
            masks.append(mask)  # noqa: B023
            return density(space, mask)

        def bad(mask: torch.Tensor) -> bool:
            return torch.equal(mask, first) == first_is_bad  # noqa: B023

        def tempting(task: Task, found: Candidate) -> tuple[float, float]:
            return (torch.nan, 1.0) if bad(found.mask) else validate(task, found)

        with (
            tiny.directory() as out,
            patch.object(Task, "validate", tempting),
            patch.object(Space, "density", logged),
        ):
            wanted = tiny.experiment(method_class())
            task = tiny.problem(wanted.method).task
            first = wanted.method.mask(task, wanted.method.init(task))
            done = tiny.execute(wanted, out)
            log = [json.loads(line) for line in done.directory.log.read_text().splitlines()]
            chosen = done.result["chosen_step"]
        tried = [first, *masks[: len(log)]]
        assert all(map(bad, tried)) or not bad(tried[chosen]), "a loss that is not a number won"
        assert [line["val_loss"] is None for line in log] == [bad(mask) for mask in tried[1:]]


def law_14(method_class: MethodClass) -> None:
    """Every field is documented with its range, the paper cited, deviations listed; the file is short."""
    module = sys.modules[method_class.__module__]
    source = inspect.getsource(module)
    tree = ast.parse(source)
    page = ast.get_docstring(tree) or ""
    assert re.search(r"arXiv \d{4}\.\d{4,5}|et al\.?,? (19|20)\d\d", page), "no paper is cited"
    assert re.search(r"^Deviations?( from the paper)?:", page, re.MULTILINE), "deviations from the paper are not listed"
    lines = _code_lines(source)
    assert lines <= 150, f"the file has {lines} lines of code"
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    documented = _field_docs(classes[method_class.__name__])
    for f in fields(method_class):  # type: ignore[arg-type]
        text = documented.get(f.name, "")
        assert text, f"the field {f.name} is not documented"
        if f.type in ("int", "float"):
            ranged = re.search(r"[\[(]\S+, \S+[\])]|at least|at most|above|below|or more|or less", text)
            assert ranged, f"the field {f.name} does not say its range: {text!r}"
    state = classes["State"]
    for name in [n.target.id for n in state.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]:
        assert f"`{name}`" in (ast.get_docstring(state) or ""), f"State does not document `{name}`"


def _code_lines(source: str) -> int:
    """Lines that hold a token other than a comment or a docstring."""
    code: set[int] = set()
    begins = True  # of a statement
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            begins = True
        elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER):
            if not (begins and token.type == tokenize.STRING):
                code |= set(range(token.start[0], token.end[0] + 1))
            begins = False
    return len(code)


def _field_docs(node: ast.ClassDef) -> dict[str, str]:
    """The string below each annotated name of a class."""
    return {
        field.target.id: text.value.value
        for field, text in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def law_15(method_class: MethodClass, device: str = "cpu") -> None:
    """Equal scores give equal masks, on another device as elsewhere in memory, ties included."""
    method = method_class()
    here = tiny.problem(method, lock=LOCK).task
    moved = replace(tiny.experiment(method, lock=LOCK), device=device)
    there = run.problem_of_experiment(moved, dataset=tiny.dataset()).task
    for state in tiny.states(method, here, most=1):
        for digits in (9, 1):  # rounding makes ties
            rounded = {
                name: t.round(decimals=digits) if t.is_floating_point() else t
                for name, t in tiny.tensors(state).items()
            }
            one = replace(state, **rounded)
            other = replace(state, **{name: t.clone().to(device) for name, t in rounded.items()})
            assert torch.equal(method.mask(here, one), method.mask(there, other).cpu()), f"{device} gave another mask"


LAWS: dict[int, Callable[[MethodClass], None]] = {
    1: law_1,
    2: law_2,
    3: law_3,
    4: law_4,
    5: law_5,
    6: law_6,
    7: law_7,
    8: law_8,
    9: law_9,
    10: law_10,
    11: law_11,
    12: law_12,
    13: law_13,
    14: law_14,
    15: law_15,
}
