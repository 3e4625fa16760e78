#!/usr/bin/env python3
"""Other predictors of cycles on the splits of bench_accuracy: forests, boosting and DOSA-style nets.

Reads the folder that `bench_accuracy --export` wrote. Each predictor comes without the analytical
model (inputs: what describes layer, hardware and mapping) and with it (more inputs: its cycles and
energy and Starlight's features; target: the residual). DOSA-style: Hong et al., "DOSA:
Differentiable Model-Based One-Loop Search for DNN Accelerators", MICRO 2023: a network of seven
hidden layers with GELU, dropout 0.3 and a softplus behind it, absolute error of the cycles over
their deviation, alone or added to the analytical cycles. Ours is eight times narrower and trains faster
(Adam, 1e-3, batches of 128). `net` is the same network on ln cycles, which is kinder to it.
"""

import argparse
import csv
import sys
import time

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

SIZES = (50, 100, 200, 400, 611, 1000)
WIDTHS = (64, 128, 256, 128, 64, 32, 16)
STEPS, BATCH = 800, 128
COLUMNS = ("spearman", "spearman_edp", "rmsle", "mape")


class Data:
    """Points as columns, and the divisions."""

    def __init__(self, folder):
        with open(f"{folder}/points.csv", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        values = {name: np.array(column, dtype=np.float64)
                  for name, column in zip(rows[0], zip(*rows[1:]))}
        self.cycles, self.energy = values["ln_cycles"], values["ln_energy"]
        self.analytical = values["ln_analytical_cycles"]
        raw = [v for name, v in values.items() if name.startswith("raw_")]
        physics = [v for name, v in values.items()
                   if name.startswith(("feature_", "ln_analytical_"))]
        self.inputs = {False: np.stack(raw, 1), True: np.stack(raw + physics, 1)}
        self.divisions = {}
        with open(f"{folder}/splits.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                division = self.divisions.setdefault((row["split"], int(row["seed"])), {})
                division.setdefault(row["role"], []).append(int(row["point"]))


def forest(x, y, test, seed):
    return RandomForestRegressor(300, random_state=seed, n_jobs=-1).fit(x, y).predict(test)


def boosting(x, y, test, seed):
    model = HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=400, min_samples_leaf=5, l2_regularization=1.0,
        random_state=seed)
    return model.fit(x, y).predict(test)


def network(inputs, softplus):
    layers, last = [], inputs
    for width in WIDTHS:
        layers += [torch.nn.Linear(last, width), torch.nn.GELU(), torch.nn.Dropout(0.3)]
        last = width
    layers.append(torch.nn.Linear(last, 1))
    return torch.nn.Sequential(*layers, *([torch.nn.Softplus()] if softplus else []))


def train_network(x, y, test, offset, seed, softplus):
    """Network + offset fitted to y by the absolute error; its part of the prediction of `test`."""
    torch.manual_seed(seed)
    mean, sd = x.mean(0), x.std(0)
    sd[sd == 0] = 1.0
    x, test = (torch.tensor((v - mean) / sd, dtype=torch.float32) for v in (x, test))
    y, offset = (torch.tensor(v, dtype=torch.float32) for v in (y, offset))
    net = network(x.shape[1], softplus)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-5)
    for _ in range(STEPS):
        batch = torch.randperm(len(y))[:BATCH]
        optimizer.zero_grad()
        (net(x[batch]).squeeze(1) + offset[batch] - y[batch]).abs().mean().backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        return net(test).squeeze(1).numpy().astype(np.float64)


def dosa(data, with_model, train, test, seed):
    """On cycles over their deviation, as published: returns ln cycles."""
    cycles, analytical = np.exp(data.cycles), np.exp(data.analytical)
    unit = cycles[train].std()
    offset = analytical / unit if with_model else np.zeros_like(cycles)
    x = data.inputs[with_model]
    out = train_network(x[train], cycles[train] / unit, x[test], offset[train], seed, True)
    return np.log(np.maximum((out + offset[test]) * unit, 1.0))


def on_logarithms(fit):
    """A predictor of ln cycles, or with the model of ln (cycles / analytical cycles)."""

    def predict(data, with_model, train, test, seed):
        offset = data.analytical if with_model else np.zeros_like(data.cycles)
        x = data.inputs[with_model]
        return fit(x[train], (data.cycles - offset)[train], x[test], seed) + offset[test]

    return predict


def net(x, y, test, seed):
    mean, sd = y.mean(), y.std()
    zero = np.zeros(len(y))
    return train_network(x, (y - mean) / sd, test, zero, seed, False) * sd + mean


METHODS = {"dosa": dosa, "net": on_logarithms(net), "forest": on_logarithms(forest),
           "boosting": on_logarithms(boosting)}


def ranks(x):
    """Ties share the mean of their ranks."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]


def spearman(a, b):
    return np.corrcoef(ranks(a), ranks(b))[0, 1]


def measure(data, test, predicted):
    truth, energy = data.cycles[test], data.energy[test]
    error = predicted - truth
    return (spearman(truth, predicted), spearman(truth + energy, predicted + energy),
            np.sqrt(np.mean(error**2)), 100.0 * np.mean(np.abs(np.expm1(error))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="what bench_accuracy --export wrote")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--splits", default="random,layer")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = Data(arguments.folder)
    print("split method samples " + " ".join(COLUMNS) + " seconds", flush=True)
    for split in arguments.splits.split(","):
        for size in map(int, arguments.sizes.split(",")):
            for name in arguments.methods.split(","):
                for with_model in (False, True):
                    figures, start = [], time.perf_counter()
                    for seed in range(arguments.seeds):
                        division = data.divisions[split, seed]
                        test = np.array(division["test"])
                        predicted = METHODS[name](data, with_model, np.array(division["pool"][:size]),
                                                  test, seed)
                        figures.append(measure(data, test, predicted))
                    seconds = (time.perf_counter() - start) / arguments.seeds
                    mean, sd = np.mean(figures, 0), np.std(figures, 0, ddof=1)
                    print(split, name + ("+model" if with_model else ""), size,
                          " ".join(f"{m:.4g}+-{s:.2g}" for m, s in zip(mean, sd)),
                          f"{seconds:.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
