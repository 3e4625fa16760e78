#!/usr/bin/env python3
"""The posterior that bench_peers wrote, in scikit-learn, GPyTorch and BoTorch.

For each file: checks that every library's mean and standard deviation agree with Polaris's in
float64, then measures candidates per second, mean and deviation both, over the batch sizes, and
keeps the fastest. The libraries get the kernel inputs ready made; Polaris's rate starts from the
index of a candidate. Prints a table; --json FILE keeps all figures, those of every batch size too.
"""

import argparse
import json
import os
import struct
import sys
import time
import warnings
from importlib.metadata import version

import gpytorch
import numpy as np
import threadpoolctl
import torch
from botorch.models import SingleTaskGP
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

BATCHES = (64, 128, 256, 512, 1024, 2048, 8192)
LEAST_SECONDS = 0.5
# Largest difference from Polaris's float64 prediction, of the mean and of the deviation, as a share
# of the prior's deviation.
TOLERANCE = {"float64": 1e-6, "float32": 5e-3}


def read_tensors(path):
    """All arrays of a safetensors file of float64."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    out = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        out[name] = np.frombuffer(data[begin:end], dtype="<f8").reshape(entry["shape"])
    return out


class ScikitLearn:
    """float64 only: its distances are."""

    name, types = "scikit-learn", ("float64",)

    def __init__(self, t, _):
        self.t = t
        kernel = ConstantKernel(float(t["signal_variance"][0])) * Matern(1.0, nu=2.5)
        self.gp = GaussianProcessRegressor(
            kernel, alpha=float(t["noise_variance"][0]), optimizer=None
        )
        self.gp.fit(t["train"], t["target"] - self.linear(t["train"]))

    def linear(self, x):
        return x @ self.t["mean_weight"] + self.t["mean_bias"]

    def predict(self, x):
        mean, sd = self.gp.predict(x, return_std=True)
        return mean + self.linear(x), np.sqrt(sd * sd + self.t["noise_variance"])


def torch_parts(t):
    """Mean, kernel and likelihood of the posterior, none of them to be trained."""
    mean = gpytorch.means.LinearMean(t["train"].shape[1])
    mean.weights.data = torch.tensor(t["mean_weight"]).unsqueeze(-1)
    mean.bias.data = torch.tensor(t["mean_bias"])
    kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5))
    kernel.base_kernel.lengthscale = 1.0
    kernel.outputscale = float(t["signal_variance"][0])
    likelihood = gpytorch.likelihoods.GaussianLikelihood(
        noise_constraint=gpytorch.constraints.GreaterThan(1e-12)
    )
    likelihood.noise = float(t["noise_variance"][0])
    return mean, kernel, likelihood


class ExactModel(gpytorch.models.ExactGP):
    def __init__(self, x, y, parts):
        super().__init__(x, y, parts[2])
        self.mean_module, self.covar_module = parts[0], parts[1]

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


class GPyTorch:
    name, types = "GPyTorch", ("float32", "float64")

    def __init__(self, t, dtype):
        x, y = (torch.tensor(t[key], dtype=dtype) for key in ("train", "target"))
        self.model = ExactModel(x, y, torch_parts(t)).to(dtype).eval()
        self.dtype = dtype

    def predict(self, x):
        with torch.no_grad(), exact_settings():
            out = self.model.likelihood(self.model(torch.as_tensor(x, dtype=self.dtype)))
            return out.mean.numpy(), out.variance.sqrt().numpy()


class BoTorch:
    name, types = "BoTorch", ("float32", "float64")

    def __init__(self, t, dtype):
        x, y = (torch.tensor(t[key], dtype=dtype) for key in ("train", "target"))
        mean, kernel, likelihood = torch_parts(t)
        self.model = SingleTaskGP(
            x,
            y.unsqueeze(-1),
            likelihood=likelihood,
            covar_module=kernel,
            mean_module=mean,
            outcome_transform=None,
        ).to(dtype)
        self.model.eval()
        self.dtype = dtype

    def predict(self, x):
        with torch.no_grad(), exact_settings():
            out = self.model.posterior(torch.as_tensor(x, dtype=self.dtype), observation_noise=True)
            return out.mean.squeeze(-1).numpy(), out.variance.squeeze(-1).sqrt().numpy()


class exact_settings:
    """Cholesky at every size here, its inverse kept between calls (exact, and the fastest)."""

    def __enter__(self):
        self.settings = [
            gpytorch.settings.fast_pred_var(True),
            gpytorch.settings.max_cholesky_size(10_000),
        ]
        for setting in self.settings:
            setting.__enter__()

    def __exit__(self, *arguments):
        for setting in reversed(self.settings):
            setting.__exit__(*arguments)


def predict_all(model, x, batch):
    parts = [model.predict(x[i : i + batch]) for i in range(0, len(x), batch)]
    return tuple(np.concatenate(column) for column in zip(*parts))


def worst_difference(t, mean, sd):
    unit = np.sqrt(t["signal_variance"][0])
    return float(
        max(np.abs(mean - t["polaris_mean"]).max(), np.abs(sd - t["polaris_sd"]).max()) / unit
    )


def rates_of(model, x):
    """Candidates per second by batch size."""
    rates = {}
    for batch in BATCHES:
        if batch > len(x):
            continue
        model.predict(x[:batch])
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < LEAST_SECONDS:
            begin = done % (len(x) - batch + 1)
            model.predict(x[begin : begin + batch])
            done += batch
        rates[batch] = done / (time.perf_counter() - start)
    return rates


def measure(path):
    t = read_tensors(path)
    samples = len(t["train"])
    polaris = float(t["polaris_per_second"][0])
    error = worst_difference(t, t["polaris_mean_f32"], t["polaris_sd_f32"])
    rows = [{"samples": samples, "library": "Polaris", "type": "float32", "per_second": polaris,
             "batch": 0, "difference": error, "ratio": 1.0}]
    in_range = float(t["polaris_range_per_second"][0])
    rows.append({**rows[0], "library": "Polaris range", "per_second": in_range,
                 "ratio": polaris / in_range})
    for library in (ScikitLearn, GPyTorch, BoTorch):
        for name in library.types:
            dtype = getattr(torch, name)
            model = library(t, dtype)
            x = t["test"].astype(name)
            difference = worst_difference(t, *predict_all(model, x, 512))
            rates = rates_of(model, x)
            rate, batch = max((r, b) for b, r in rates.items())
            rows.append({"samples": samples, "library": library.name, "type": name,
                         "per_second": rate, "batch": batch, "difference": difference,
                         "ratio": polaris / rate, "per_second_by_batch": rates})
    for row in rows:
        row["agrees"] = row["difference"] <= TOLERANCE[row["type"]]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", help="what bench_peers wrote")
    parser.add_argument("--json", help="file for all figures")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # float32 and inputs of other scales are meant
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    rows = [row for path in arguments.files for row in measure(path)]
    print(f"{'N':>5} {'library':<13} {'type':<8} {'candidates/s':>13} {'batch':>6} "
          f"{'Polaris is':>11} {'difference':>11}")
    for row in rows:
        print(f"{row['samples']:5} {row['library']:<13} {row['type']:<8} {row['per_second']:13.4g} "
              f"{row['batch'] or '-':>6} {row['ratio']:10.1f}x {row['difference']:11.2g}"
              f"{'' if row['agrees'] else '  DISAGREES'}")
    if arguments.json:
        about = {"cores": cores, "torch_threads": torch.get_num_threads(),
                 "versions": {n: version(n) for n in ("scikit-learn", "gpytorch", "botorch", "torch",
                                                      "numpy")},
                 "pools": threadpoolctl.threadpool_info(), "tolerance": TOLERANCE, "rows": rows}
        for pool in about["pools"]:
            pool.pop("filepath", None)
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(about, file, indent=2)
    return 0 if all(row["agrees"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
