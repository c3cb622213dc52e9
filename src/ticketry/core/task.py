"""Task: everything a method may use, and no test split, so that no method can touch it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch

from ticketry.core.errors import refuse
from ticketry.core.fitness import kernels
from ticketry.core.fitness.kernels import Limit, Networks, Score
from ticketry.core.fitness.neighbours import Neighbours
from ticketry.core.fitness.population import Population
from ticketry.core.masks.candidate import Candidate, candidate
from ticketry.core.masks.effective import EffectiveWeights
from ticketry.core.masks.space import Space
from ticketry.core.meters import Budget, Meter, Meters
from ticketry.core.nets import backward, natural
from ticketry.core.nets.feed import Batch as Batch
from ticketry.core.nets.feed import Feed, parts, sample
from ticketry.core.nets.net import Named, Net
from ticketry.core.nets.parameters import Parameters
from ticketry.core.nets.stack import recognise
from ticketry.core.objective import Objective
from ticketry.core.seed import weights
from ticketry.core.seed.streams import Stream, stream

CALIBRATION, CALIBRATION_BATCH = 2048, 256  # training examples that running statistics of norms are measured on


class Task:
    """One search problem. `base`: Flat[N], the untrained weights of all maskable positions."""

    def __init__(
        self,
        *,
        net: Net,
        space: Space,
        base: torch.Tensor,
        scale: weights.Scale,
        objective: Objective[Any],
        train: Feed,
        validation: Feed,
        augment: bool,
        seed: int,
        budget: Budget,
        zeros: Sequence[tuple[str, int, int]] = (),
    ) -> None:
        """`zeros`: ranges of numbers of parameters outside the mask that stay zero: name, start, stop."""
        self.space = space
        self.seed = seed
        self.meter = Meter(budget)
        self.objective, self.train, self.validation = objective, train, validation
        self.device = base.device
        self._net, self._base, self._scale, self._augment = net, base, scale, augment
        self._effective = EffectiveWeights(space, base, scale)
        self._leaves = {
            name: view.detach().requires_grad_() for name, view in space.views(self._effective.masked).items()
        }
        stack = recognise(net.module, space) if bool(base.isfinite().all()) else None
        self._stack = stack if stack is not None and stack.biases <= net.rest.keys() else None
        self._prepared = objective.prepare(train)
        self.parameters = Parameters(net, self._stack, space, train.x, objective.loss, self.meter, zeros)

    @property
    def weights(self) -> torch.Tensor:
        """Float[D]: the untrained weights of the searched positions, unscaled; for reading only."""
        return self.space.narrow(self._base)

    @property
    def budget(self) -> Budget:
        """The limits of this search."""
        return self.meter.budget

    @property
    def meters(self) -> Meters:
        """What was spent so far."""
        return self.meter.meters

    @property
    def epochs(self) -> int:
        """How many epochs this search lasts: what schedules stretch over."""
        return self.budget.epochs or 1

    @property
    def spent(self) -> float:
        """The part of the budget that is spent, of the limit nearest its end, in [0, 1]; a step counts when begun."""
        return self.meter.part

    def stream(self, purpose: str, *index: int | str) -> Stream:
        """The random stream of a purpose, `task.stream("mutation", generation)`."""
        return stream(self.seed, purpose, *index)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Mini-batches in an epoch; the last, smaller one counts."""
        return len(parts(len(self.train), batch_size))

    def batches(self, epoch: int, batch_size: int) -> Iterator[Batch]:
        """All training examples once, in an order (and with an augmentation) that depends on seed and epoch only."""
        if batch_size == 1 and self._net.has_norms:
            raise refuse("batch", 1, "at least 2 for a model with batch norms", "choose a larger batch")
        order = torch.from_numpy(self.stream("order", epoch).permutation(len(self.train))).to(self.device)
        every = parts(len(order), batch_size)
        for number, part in enumerate(every):
            self.meter.spend(epochs=int(number == 0))  # an epoch counts with its first batch, or not at all
            self.meter.tell(number / len(every))
            augment = self.stream("augment", epoch, number) if self._augment else None
            yield Batch(*self.train.batch(order[part], augment))

    def effective(self, mask: torch.Tensor) -> torch.Tensor:
        """Flat[N]: the weights of the network that Bool[D] selects: base x mask x scale factor, locks included."""
        return self._effective.of(mask).clone()

    def gradient(self, mask: torch.Tensor, batch: Batch) -> tuple[float, torch.Tensor]:
        """Mean loss of the masked network on a batch, and its gradient to the mask: Float[D].

        The gradient to mask entry i is (weight i x scale factor) x dL/d(effective weight i), also where the mask is 0;
        this is what the straight-through estimator hands to the score of i (Bengio et al. 2013, arXiv 1308.3432).
        """
        self._effective.of(mask)
        gradient = torch.empty_like(self._base)
        out = list(self.space.views(gradient).values())
        net, stack, leaves, scaled = self._net, self._stack, self._leaves, self._effective.scaled
        of = self.parameters.loss
        loss = backward.mask_gradient(net, stack, leaves, batch.x, batch.y, scaled, out, of, self.meter)
        return loss, self.space.narrow(gradient)

    def natural_gradient(
        self, chance: torch.Tensor, batch: Batch, index: int, pairs: int, of: Literal["loss", "misses"] = "loss"
    ) -> tuple[float, torch.Tensor]:
        """Loss on a batch of one mask drawn with probabilities Float[D], and the gradient of the expectation to them.

        An estimate from forward evaluations alone, see core/nets/natural.py. `index`: a number that no other call has;
        `of`: what an example loses.
        """
        kernels.check(self._net)
        whole = chance.clamp(1e-6, 1 - 1e-6)  # 0 and 1 are for locked positions
        if self.space.index is not None:
            start = torch.zeros_like(self._base) if self.space.on is None else self.space.on.to(chance.dtype)
            whole = start.scatter(0, self.space.index, whole)
        draw = functools.partial(self.stream, "natural gradient", index)
        loses = self.parameters.loss.each if of == "loss" else self.parameters.loss.misses
        loss, gradient = natural.natural_gradient(
            self._net,
            self.space,
            self._effective.expected(whole),
            whole,
            batch.x,
            batch.y,
            pairs,
            loses,
            draw,
            self.meter,
        )
        return loss, self.space.narrow(gradient)

    def fitness(
        self,
        masks: torch.Tensor,
        batch: Batch | None = None,
        *,
        limit: Limit | None = None,
        kernel: kernels.Kernel = "auto",
    ) -> Score:
        """Loss and quality of every mask of Bool[P, D] on a batch, or on all training data. Each Float64[P].

        Networks outside the `limit` are given up as soon as that is certain. `examples_forward` counts what went
        forward, in whole or, where networks share rows of their first layer, in part. Raises RequestError for a
        network whose answer depends on the other examples of a batch.
        """
        kernels.check(self._net)
        self.meter.spend(evaluations=len(masks))
        examples = self._prepared
        if batch is not None:
            examples = self.objective.prepare(Feed(batch.x, batch.y, self.train.gain, self.train.shift))
        population = Population(self.space, self._base, masks, self._effective.factors(masks))
        networks = Networks(self._net, self._stack, population, self.norms, kernel)
        return self.objective.score(networks, examples, limit, self.meter)

    def neighbours(self, mask: torch.Tensor, batch: Batch | None = None) -> Neighbours | None:
        """What evaluates masks that differ from Bool[D] in one bit, on a batch or all training data, and follows flips.

        None where there is no such shortcut: without labels, for networks other than plain stacks of linear layers, for
        tied weights, weights that scale with the mask, and weights so large that a sum could overflow. Every flip
        counts as an evaluation and as all its examples forward.
        """
        batch = batch or Batch(*self.train.batch(slice(None)))
        stack, loss = self._stack, self.objective.loss
        if loss is None or stack is None or not stack.fits(batch.x) or stack.tied or self._scale != "none":
            return None
        if stack.overflows(self._base, self.space, batch.x):
            return None
        with torch.no_grad():
            network = Population(self.space, self._base, mask[None])
            return Neighbours(stack, network, batch.x, batch.y, loss, self.meter)

    def norms(self, effective: torch.Tensor) -> Named:
        """Running statistics of batch norms for Flat[N] or Float[M], on training examples that the seed draws."""
        if not self._net.has_norms:
            return {}
        batches = (self.train.batch(some)[0] for some in self._sample)
        return self._net.calibrate(self._named(effective), batches, self.meter)

    @functools.cached_property
    def _sample(self) -> list[torch.Tensor]:
        drawn = sample(len(self.train), CALIBRATION, CALIBRATION_BATCH, self.stream("norm statistics"))
        return [index.to(self.device) for index in drawn]

    def network(self, candidate: Candidate) -> torch.Tensor:
        """The weights of a candidate's network: Flat[N], or Float[M] where it has values of its own."""
        if candidate.values is None:
            return self.effective(candidate.mask)
        kept = self.parameters.mask(self.space.full(candidate.mask)) != 0
        return torch.where(kept, candidate.values, 0.0)  # not a product: what is cut may be no number

    def validate(self, answer: torch.Tensor | Candidate) -> tuple[float, float]:
        """Loss and quality of a candidate, or a mask, on the validation split: what chooses among them."""
        found = candidate(answer)
        flat = self._effective.of(found.mask) if found.values is None else self.network(found)  # spares a copy
        return self.judge(flat, self.validation)

    def judge(self, effective: torch.Tensor, feed: Feed, buffers: Named | None = None) -> tuple[float, float]:
        """Mean loss and quality of the network with Flat[N] weights, or all Float[M], on a whole split.

        `buffers`: its running statistics, where they are known already.
        """
        buffers, named = self.norms(effective) if buffers is None else buffers, self._named(effective)
        return self.objective.judge(lambda x: self._net.eval_logits(named, x, buffers), feed, self.meter)

    def one_step(self) -> AbstractContextManager[None]:
        """Around each step of the method; see Meter."""
        return self.meter.one_step()

    def listen(self, listener: Callable[[float], None]) -> None:
        """Call this with the fraction of the epoch under way that is done."""
        self.meter.listen(listener)

    def resume(self, meters: Meters) -> None:
        """Go on counting from a checkpoint's meters."""
        self.meter.resume(meters)

    def take_loss(self) -> float | None:
        """Mean training loss since the last call; None when there was none."""
        return self.meter.take_loss()

    def _named(self, flat: torch.Tensor) -> Named:
        return self.space.views(flat) if len(flat) == self.space.total else self.parameters.views(flat)
