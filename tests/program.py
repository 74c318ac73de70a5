"""The built program as the end-to-end tests run it. They are called as TEST.py PROGRAM SOURCE_FOLDER [OPTION...]."""

import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1:3]
SCENARIOS = os.path.join(SOURCE, "scenarios")
MINIMAL = os.path.join(SCENARIOS, "minimal.toml")
CARE_HOMES = os.path.join(SCENARIOS, "care-homes.toml")
STATISTICS = ["mean", "sd", "p05", "p25", "p50", "p75", "p95", "mcse"]
VIEWS = ["gross", "counterfactual", "net"]


def ended(process, timeout=60):
    """What a process said on stdout and stderr; one that does not end is killed."""
    try:
        return process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


class ProgramTest(unittest.TestCase):
    """Each test in a folder of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="uptake-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def uptake(self, *words, code=0, **options):
        """Runs the program there; fails unless it ends with `code`."""
        options = {"cwd": self.folder, "timeout": 120, **options}
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, **options)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done


def main():
    del sys.argv[1:3]
    unittest.main(verbosity=2)
