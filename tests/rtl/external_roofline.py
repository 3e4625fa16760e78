#!/usr/bin/env python3
"""External evaluator for `polaris --evaluator`: a roofline instead of a simulator.

An example of wrapping another flow: read the design point, run anything, print one JSON object.
"""
import json
import sys

PJ_PER_MAC, PJ_PER_BYTE = 0.5, 40.0

job = json.load(sys.stdin)
layer, hardware = job["layer"], job["hardware"]
R, S, P, Q, C, K, N = (layer[d] for d in "RSPQCKN")
spatial = 1
for level in job["mapping"]["levels"]:
    for unrolled in level["spatial"]:
        spatial *= unrolled["bound"]

macs = R * S * P * Q * C * K * N
width = (P - 1) * layer["stride_w"] + (R - 1) * layer["dilation_w"] + 1
height = (Q - 1) * layer["stride_h"] + (S - 1) * layer["dilation_h"] + 1
moved = R * S * C * K + N * C * width * height + N * P * Q * K  # each byte of DRAM once
compute = -(-macs // spatial)
transfer = -(-moved // hardware["bus_bytes"])

print(json.dumps({
    "cycles": max(compute, transfer) + job["memory"]["latency"],
    "energy_pj": PJ_PER_MAC * macs + PJ_PER_BYTE * moved,
    "counters": {"compute_cycles": compute, "transfer_cycles": transfer},
}))
