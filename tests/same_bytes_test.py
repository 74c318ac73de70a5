"""results.h5 of scenarios/care-homes.toml has the same bytes run again, on 1, 2 and 4 threads, killed and resumed.

Usage: same_bytes_test.py PROGRAM SOURCE_FOLDER [KILLS]: with a number, that many kills and nothing else.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy as np

import program

N = 12
HEADER, RECORD_FRAME = 48, 24  # bytes, docs/results-format.md
ONLY_KILLS = len(sys.argv) > 3
KILLS = int(sys.argv.pop(3)) if ONLY_KILLS else 5


class SameBytes(program.ProgramTest):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="uptake-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.shared = scratch.name
        begin = time.monotonic()
        cls.reference = cls.run_into("reference")
        cls.seconds = time.monotonic() - begin
        cls.other = cls.run_into("other", "--seed", 7, replicates=3)
        assert cls.other != cls.reference

    @classmethod
    def run_into(cls, name, *options, **numbers):
        subprocess.run([program.PROGRAM, *cls.words(name, *options, **numbers)], cwd=cls.shared, check=True,
                       capture_output=True)
        return program.read(os.path.join(cls.shared, name, "results.h5"))

    @staticmethod
    def words(folder, *options, replicates=N, threads=2):
        return ["run", program.CARE_HOMES, "--replicates", str(replicates), "--threads", str(threads), "-o", folder,
                *map(str, options)]

    def start(self, *options):
        return subprocess.Popen([program.PROGRAM, *self.words("out", *options)], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def result(self):
        file = self.path("out", "results.h5")
        return program.read(file) if os.path.exists(file) else None

    def parts(self):
        """How many whole replicates the part file holds."""
        folder = self.path("out", ".parts")
        sizes = [os.path.getsize(os.path.join(folder, name)) for name in
                 (os.listdir(folder) if os.path.isdir(folder) else [])]
        self.assertLess(len(sizes), 2)
        return max(0, sizes[0] - HEADER) // self.record_size() if sizes else 0

    def record_size(self):
        if not hasattr(SameBytes, "size_of_record"):
            estimate = self.uptake(*self.words("elsewhere", "--dry-run", "--json"))
            SameBytes.size_of_record = json.loads(estimate.stdout)["part_file_bytes"] // N + RECORD_FRAME
        return SameBytes.size_of_record

    def resume(self, n_kept, threads):
        """Goes on with the run in `out` and compares the result."""
        complete = self.result() == self.reference and os.path.exists(self.path("out", "run.json"))
        done = self.uptake(*self.words("out", "--resume", threads=threads))
        if complete:
            self.assertIn("already done", done.stderr)
        elif n_kept > 0:
            self.assertIn(f"{n_kept} of {N} replicates were finished before", done.stderr)
        self.assertEqual(self.result() == self.reference, True, "the resumed run has other bytes")
        left = sorted(os.listdir(self.path("out")))
        self.assertEqual(left, ["published.csv", "report.html", "results.h5", "ro-crate-metadata.json", "run.json",
                                "summary.csv", "summary.json", "summary.txt"])
        for name in ("published.csv", "report.html", "summary.csv", "summary.json", "summary.txt"):
            same = program.read(self.path("out", name)) == program.read(os.path.join(self.shared, "reference", name))
            self.assertTrue(same, name)

    @unittest.skipIf(ONLY_KILLS, "nothing but kills")
    def test_two_names_of_one_region_differ_in_what_was_typed_alone(self):
        names = ["Health Innovation North East and North Cumbria", "NENC"]
        for folder, name in zip("ab", names):
            self.uptake(*self.words(folder, "--set", f"focus={name}", replicates=2))
        for name in ("published.csv", "summary.csv", "summary.json", "summary.txt"):
            self.assertEqual(program.read(self.path("a", name)), program.read(self.path("b", name)), name)
        different = []
        with h5py.File(self.path("a", "results.h5")) as one, h5py.File(self.path("b", "results.h5")) as other:
            def compare(path, thing):
                if isinstance(thing, h5py.Dataset) and not np.array_equal(
                        thing[()], other[path][()], equal_nan=thing.dtype.kind == "f"):
                    different.append(path)
            one.visititems(compare)
            self.assertEqual(one["provenance/digest"][()], other["provenance/digest"][()])
        self.assertEqual(different, ["provenance/overrides"])

    def test_killed_at_any_moment_and_resumed(self):
        seed = random.randrange(1 << 32)
        moments = random.Random(seed)
        n_kills = n_attempts = 0
        while n_kills < KILLS:
            n_attempts += 1
            self.assertLess(n_attempts, 10 * KILLS, "the run ends before it can be killed")
            over = n_attempts % 2 == 0  # every other time there is an older result in the folder
            shutil.rmtree(self.path("out"), ignore_errors=True)
            if over:
                shutil.copytree(os.path.join(self.shared, "other"), self.path("out"))
            moment = moments.uniform(0, self.seconds)
            with self.subTest(seed=seed, attempt=n_attempts, moment=moment), self.start("--overwrite") as run:
                time.sleep(moment)
                run.kill()
                run.communicate()
                if run.returncode == 0:
                    self.assertEqual(self.result() == self.reference, True)
                    continue
                n_kills += 1
                self.assertEqual(run.returncode, -signal.SIGKILL)
                old = self.other if over else None
                self.assertEqual(self.result() in (old, self.reference), True, "half a result")
                n_kept = self.parts()
                if over and n_kept == 0 and self.result() == old:
                    refused = self.uptake(*self.words("out", "--resume"), code=2)
                    self.assertIn("holds another result", refused.stderr)
                    self.assertEqual(self.result() == old, True)
                    continue
                self.resume(n_kept, moments.choice([1, 2, 4]))

    if not ONLY_KILLS:

        def test_run_again_and_on_one_two_and_four_threads(self):
            for threads in (1, 2, 4):
                got = self.run_into(f"threads-{threads}", threads=threads)
                self.assertEqual(got == self.reference, True, f"{threads} threads")
            self.assertEqual(self.run_into("defaults", "--set", "parameters=defaults") == self.reference, False)

        def test_interrupted_and_resumed(self):
            for number in (signal.SIGINT, signal.SIGTERM):
                for _ in range(10):  # on a busy machine the signal may come after the last replicate
                    shutil.rmtree(self.path("out"), ignore_errors=True)
                    with self.subTest(number), self.start() as run:
                        while self.parts() == 0 and run.poll() is None:
                            time.sleep(0.001)
                        run.send_signal(number)
                        out, err = run.communicate(timeout=60)
                    if run.returncode != 0:
                        break
                self.assertEqual(run.returncode, 4, err)
                self.assertEqual(out, "")
                n_kept = self.parts()
                self.assertRegex(err, rf"interrupted: {n_kept} of {N} replicates are kept in out\. Go on with\n"
                                      rf"  .* --replicates {N} --threads 2 -o out --resume\n$")
                self.assertIsNone(self.result())
                self.resume(n_kept, 2)

        def test_a_folder_under_way_is_not_touched_by_another_process(self):
            for _ in range(10):  # on a busy machine the run may be over before it stands still
                shutil.rmtree(self.path("out"), ignore_errors=True)
                with self.start() as run:
                    while self.parts() == 0 and run.poll() is None:
                        time.sleep(0.001)
                    run.send_signal(signal.SIGSTOP)
                    try:
                        if not 0 < self.parts() < N:
                            continue
                        for option in ("--resume", "--overwrite"):
                            refused = self.uptake(*self.words("out", option, "--quiet"), code=3)
                            self.assertIn("another process is running this scenario into this folder", refused.stderr)
                    finally:
                        run.send_signal(signal.SIGCONT)
                        run.communicate(timeout=60)
                self.assertEqual(run.returncode, 0)
                self.assertEqual(self.result() == self.reference, True)
                return
            self.fail("no run could be stopped half-way")

        def test_a_spoilt_part_file_costs_its_replicate_alone(self):
            self.keep_parts()
            name, = os.listdir(self.path("out", ".parts"))
            whole = program.read(self.path("out", ".parts", name))
            middle = HEADER + 5 * self.record_size() + 1000
            for spoilt, n_kept in ((whole[:middle] + b"spoilt" + whole[middle + 6:], N - 1), (whole[:middle], 5),
                                   (whole[:HEADER - 1], 0), (b"", 0)):
                with self.subTest(n_kept=n_kept, size=len(spoilt)):
                    shutil.rmtree(self.path("out"))
                    program.write(self.path("out", ".parts", name), spoilt)
                    self.resume(n_kept, 2)
            shutil.rmtree(self.path("out"))
            foreign = b"not ours" + whole[8:]
            program.write(self.path("out", ".parts", name), foreign)
            refused = self.uptake(*self.words("out", "--resume"), code=3)
            self.assertIn("is not a part file of this program; move it away, or choose another folder", refused.stderr)
            self.assertEqual(program.read(self.path("out", ".parts", name)) == foreign, True, "left alone")

        def test_killed_in_its_last_moment_a_run_is_done(self):
            self.keep_parts()
            shutil.copytree(os.path.join(self.shared, "reference"), self.path("out"), dirs_exist_ok=True)
            self.resume(N, 2)

        def keep_parts(self):
            """A run that leaves its part file behind, for its result cannot be put in place."""
            os.makedirs(self.path("out", "results.h5"))
            self.uptake(*self.words("out"), code=3)
            os.rmdir(self.path("out", "results.h5"))
            self.assertEqual(self.parts(), N)

        def test_a_truncated_result_is_made_again(self):
            shutil.copytree(os.path.join(self.shared, "reference"), self.path("out"))
            program.write(self.path("out", "results.h5"), self.reference[:len(self.reference) // 2])
            self.assertIn("--overwrite", self.uptake(*self.words("out"), code=3).stderr)
            done = self.uptake(*self.words("out", "--overwrite"))
            self.assertNotIn("already done", done.stderr)
            self.assertEqual(self.result() == self.reference, True)

        def test_the_first_replicates_of_more_are_those_of_fewer(self):
            self.run_into("more", replicates=2 * N)
            files = [os.path.join(self.shared, name, "results.h5") for name in ("reference", "more")]
            with h5py.File(files[0]) as fewer, h5py.File(files[1]) as more:
                n_compared = 0
                for group in ("replicates", "parameters"):
                    for name, few in fewer[group].items():
                        many = more[group][name]
                        if few.shape and few.shape[0] == N and many.shape[0] == 2 * N:
                            n_compared += 1
                            np.testing.assert_array_equal(few[()], many[:N], f"{group}/{name}")
                            if few.dtype.kind == "f" and name in ("adopters", "drawn"):
                                self.assertFalse(np.array_equal(few[()], many[N:]), "replicates differ")
                self.assertGreater(n_compared, 30)


program.main()
