#!/usr/bin/env python3
"""Plants the faults of mutants.txt in copies of the RTL, one at a time, and demands that a test
notices: the unit benches that simulate the module, then (and for accelerator.sv only) the random
jobs on the whole accelerator.

usage: mutation.py VERILATOR RTL_DIR BUILD_DIR TEST_RTL [TEXT]

TEST_RTL is the built test_rtl; with TEXT, only mutants whose line contains it. Exit code 1 where
one survives. The RTL as it is has to pass first; a test that runs ten times as long has noticed.
"""
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
# Benches of modules that have none of their own name.
BENCHES = {"buffer_registers": ["registers"], "tile_registers": ["registers"],
           "config_registers": ["registers"], "accelerator": []}
RANDOM_JOBS = "Dims/RtlBitExact.*/Dim4:Dims/RtlAnySetting.*/Dim4"


def read_mutants(wanted):
    """(line number, file, text, replacement) of each line that contains `wanted`."""
    for number, line in enumerate((HERE / "mutants.txt").read_text().splitlines(), 1):
        if line.startswith("#") or wanted not in line:
            continue
        parts = [part.strip().replace(r"\|", "|").replace(r"\n", "\n")
                 for part in re.split(r"(?<!\\)\|", line)]
        if len(parts) != 3:
            sys.exit(f"mutants.txt:{number}: expected file | text | replacement")
        yield number, *parts


def run(command, log, limit_s=None, **environment):
    """Why the command failed, in one line; empty if it succeeded."""
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT,
                                   env=os.environ | environment, start_new_session=True)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return "time limit"
    if code == 0:
        return ""
    text = Path(log).read_text(errors="replace")
    if re.search(r"%Error: (?!.*Assertion failed)|: error:", text):
        sys.exit(f"{log}: does not build")
    # The benches announce what they did not expect; workers end with the first.
    assertion = re.search(r"Assertion failed in \S*?\.(\w+): .*\nassertion failed", text) or \
        re.search(r"worker said: .*Assertion failed in \S*?(\w+): ", text)
    check = re.search(r"^line \d+: (.*?): got", text, re.M)
    wrong = re.search(r"Failure\n.*\n.*", text)
    return ("assertion " + assertion[1] if assertion else
            "check " + check[1] if check else
            " ".join(wrong[0].split()[1:]) if wrong else f"exit code {code}")


class Tests:
    def __init__(self, verilator, build, test_rtl):
        self.verilator, self.build, self.test_rtl = verilator, build, test_rtl
        self.limit_s = None

    def bench_notices(self, rtl, bench):
        return run(["sh", TESTS / "unit/run.sh", self.verilator, rtl, self.build / "unit", bench],
                   self.build / "log", self.limit_s)

    def jobs_notice(self, rtl):
        workers, log = self.build / "workers", self.build / "log"
        if run(["sh", TESTS / "build_worker.sh", self.verilator, rtl, workers, "4"], log):
            sys.exit(f"{log}: does not build")
        return run([self.test_rtl, f"--gtest_filter={RANDOM_JOBS}"], log, self.limit_s,
                   POLARIS_RTL_WORKERS=str(workers))

    def killer(self, rtl, module):
        """The first test that notices the fault in `rtl`, and how; empty if none does."""
        for bench in BENCHES.get(module, [module]):
            if why := self.bench_notices(rtl, bench):
                return f"{bench}: {why}"
        why = self.jobs_notice(rtl)
        return f"random jobs: {why}" if why else ""


def main():
    verilator, rtl, build, test_rtl = sys.argv[1], *map(Path, sys.argv[2:5])
    wanted = sys.argv[5] if len(sys.argv) > 5 else ""
    build.mkdir(parents=True, exist_ok=True)
    tests = Tests(verilator, build, test_rtl)
    began = time.monotonic()
    if why := tests.jobs_notice(rtl):
        sys.exit(f"the RTL as it is: {why}")
    tests.limit_s = 10 * (time.monotonic() - began)
    total, survivors = 0, []
    for number, file, text, replacement in read_mutants(wanted):
        copy = build / "rtl"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(rtl, copy)
        source = (copy / file).read_text()
        if source.count(text) != 1:
            sys.exit(f"mutants.txt:{number}: expected its text once in {file}, "
                     f"got {source.count(text)} times")
        (copy / file).write_text(source.replace(text, replacement))
        caught = tests.killer(copy, file.removesuffix(".sv"))
        total += 1
        print(f"{number:3} {file:20} {caught or 'SURVIVES: ' + text + ' -> ' + replacement}",
              flush=True)
        if not caught:
            survivors.append(number)
    print(f"{total} mutants, {len(survivors)} survive {survivors or ''}")
    return 1 if survivors or not total else 0


if __name__ == "__main__":
    sys.exit(main())
