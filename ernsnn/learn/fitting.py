"""``fit``: gradient descent on numbers of a network, in batches of trials, and the network that comes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.network import Network
from ernsnn.describe.trials import Trials
from ernsnn.errors import InvalidModel, quoted
from ernsnn.graph.seeds import generator, key_of
from ernsnn.learn.batches import Batches, differentiating
from ernsnn.learn.descent import Descent
from ernsnn.learn.learned import Shared, fixed, learned
from ernsnn.learn.losses import Loss
from ernsnn.learn.rounded import rounding
from ernsnn.learn.stored import identity, load, save
from ernsnn.learn.surrogates import FastSigmoid, Surrogate
from ernsnn.running.simulate import progress_bar

MOST = 10**9
"""The largest number of epochs, of trials in a batch, and of epochs that are waited for."""


@dataclass(frozen=True)
class Epoch:
    """One time through all trials: the mean loss, and the share of trials whose label is told.

    Those of the training trials are as they were met on the way. ``accuracy`` is None where the loss tells no label,
    those of the validation where there are no such trials.
    """

    number: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True, eq=False)
class Fit:
    """What ``fit`` returns: an ordinary ``network``, and the ``history`` of its epochs.

    ``values`` are the fitted ones by path; ``best`` is the number of the epoch that they are from.
    """

    network: Network
    history: tuple[Epoch, ...]
    values: dict[str, np.ndarray]
    best: int
    seed: int

    def __repr__(self) -> str:
        return f"<Fit of {self.network.name}: epoch {self.best} of {len(self.history)}, {', '.join(self.values)}>"


@checked
def fit(
    network: Network,
    trials: Trials,
    *,
    learn: Sequence[str | Shared],
    loss: Loss,
    surrogate: Surrogate | None = None,
    epochs: int = 20,
    batch: int = 64,
    seed: int = 0,
    validation: Trials | None = None,
    patience: int | None = None,
    learning_rate: float | Mapping[str, float] = 0.02,
    bounds: Mapping[str, Sequence[float]] | None = None,
    checkpoint: str | Path | None = None,
    for_chip: str | None = None,
    device: str = "cpu",
    precision: str = "float32",
) -> Fit:
    """Fit numbers of a network to trials, by gradients through its graph; returns an ordinary network and a history.

    Every trial starts from the initial state, and only what happens while it is shown counts; rests are left out.

    ``learn``: paths such as ``"see.w"`` (weights of a projection that does not learn by a rule) and
    ``"cells.tau_m_ms"`` (any parameter of neurons but their refractoriness: time constants, thresholds, offsets,
    initial values), one value a synapse or neuron; with ``Shared("cells.tau_m_ms")`` neurons keep one together.
    ``loss``: see ``losses``; ``surrogate`` stands for the derivative of spikes (default FastSigmoid()).

    ``epochs`` times all trials are shown in a random order, ``batch`` at a time, and the values follow the gradient by
    Adam (Kingma and Ba 2015), with steps that fall to 0 as half a cosine. ``learning_rate``, or that of each path, is
    the size of the first steps as a share of the values: of the root of their mean square, of 10 mV for voltages, and
    of .1 where all are 0. After every step values are put back into their ``bounds``, path -> (low, high), and into
    those that they have by their meaning: weights keep the sign of their receptor, time constants are at least a step,
    voltages stay in their order.

    With ``validation`` trials the values are those of the epoch in which their loss was least, and the fit ends when
    it has not been less for ``patience`` epochs. ``checkpoint``: a file that is written after every epoch, and from
    which the same fit goes on if it is there. ``seed`` is that of the network, whose synapses and drawn values the
    fitted one keeps, and of the order: the same fit gives the same bits. ``for_chip`` names a backend that rounds
    weights: trials are then shown with the weights that it would hold, and gradients pass through the rounding; the
    network has the weights before it. ``device`` and ``precision`` are those of the
    backend that gives gradients.

    Raises InvalidModel, naming the path, on what cannot be fitted, and where the loss is no longer finite;
    BackendNotAvailable where nothing gives gradients, with what to install.
    """
    for what, count in (("epochs", epochs), ("batch", batch), ("patience", 1 if patience is None else patience)):
        if not 1 <= count <= MOST:
            raise InvalidModel(f"fit.{what}: must be a whole number from 1 to {MOST}, got {quoted(count)}")
    if patience is not None and validation is None:
        raise InvalidModel("fit.patience: needs validation trials, whose loss it waits for")
    options = {"device": device, "precision": precision}
    differentiating()
    train = Batches(network, trials, seed, loss.targets, options)
    tested = None if validation is None else Batches(network, validation, seed, loss.targets, options)
    entries = learned(train.graph, learn, bounds or {}, learning_rate)
    slope = FastSigmoid() if surrogate is None else surrogate
    chip = None if for_chip is None else rounding(for_chip, train.graph)
    descent = Descent(entries, loss, slope, epochs * -(-len(train) // batch), device, precision, chip)
    history: list[Epoch] = []
    best = descent.numbers()
    key = ""
    if checkpoint is not None:
        numbers = (epochs, batch, patience, loss, for_chip, precision)
        key = identity(train.graph, None if tested is None else tested.graph, entries, slope, numbers)
    if checkpoint is not None and (kept := load(checkpoint, key)) is not None:
        history, best = [Epoch(**each) for each in kept.history], kept.best
        descent.restore(kept.arrays)
    with progress_bar(f"{network.name}: fit") as progress:
        while len(history) < epochs and not _ended(history, patience):
            number = len(history)
            order = generator(key_of(seed, f"fit.order.{number}")).permutation(len(train))
            of_epoch, told = descent.through(train, batch, order)
            found = (None, None) if tested is None else descent.tested(tested, batch)
            history.append(Epoch(number, of_epoch, told, *found))
            if _best(history) == number:
                best = descent.numbers()
            if checkpoint is not None:
                save(checkpoint, key, [dataclasses.asdict(each) for each in history], best, descent.state())
            progress(len(history) / epochs)
    new = network.with_values({**fixed(train.graph), **best}, seed=seed)
    return Fit(new, tuple(history), best, _best(history), seed)


def _best(history: Sequence[Epoch]) -> int:
    """The epoch with the least validation loss; the last where there is none."""
    losses = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
    return losses.index(min(losses)) if losses else len(history) - 1


def _ended(history: Sequence[Epoch], patience: int | None) -> bool:
    return patience is not None and len(history) - 1 - _best(history) >= patience
