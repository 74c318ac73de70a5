"""`calibrate` as people run it: interrupted and gone on with, any number of threads, a record with rows of one's own.

Usage: calibrate_test.py PROGRAM SOURCE_FOLDER
"""

import json
import os
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np

from program import PROGRAM, SCENARIOS, ProgramTest, main, read

SMALL = ["--programme", "focus-adhd", "--budget", "4000", "--particles", "400", "--draws", "200"]
HISTORY = os.path.join(SCENARIOS, "history.toml")


class Calibrate(ProgramTest):
    def calibrate(self, into, *words, history=HISTORY, code=0):
        return self.uptake("calibrate", history, "--quiet", "-o", into, *words, code=code)

    def test_any_number_of_threads_gives_the_same_bytes(self):
        self.calibrate("one", *SMALL, "--threads", "1")
        self.calibrate("two", *SMALL, "--threads", "2")
        self.assertEqual(read(self.path("one", "posterior.h5")), read(self.path("two", "posterior.h5")))
        self.assertEqual(read(self.path("one", "calibration.json")), read(self.path("two", "calibration.json")))

    def test_interrupted_and_gone_on_with_it_ends_at_the_same_bytes(self):
        words = ["--programme", "pincer", "--budget", "900", "--particles", "250", "--draws", "200"]
        self.calibrate("straight", *words)
        command = [PROGRAM, "calibrate", HISTORY, *words, "-o", self.path("broken"), "--progress", "json"]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(running.stderr.close)
        for line in running.stderr:  # after the first generation something is kept
            if line.startswith("{") and json.loads(line)["generation"] >= 1:
                running.send_signal(signal.SIGINT)
                break
        said = running.stderr.read()
        self.assertEqual(running.wait(), 4, said)
        self.assertIn("--resume", said)
        self.assertFalse(os.path.exists(self.path("broken", "posterior.h5")))
        refused = self.calibrate("broken", *words, code=2)
        self.assertIn("unfinished", refused.stderr)
        self.calibrate("broken", *words, "--resume")
        self.assertEqual(read(self.path("straight", "posterior.h5")), read(self.path("broken", "posterior.h5")))
        self.assertFalse(os.path.exists(self.path("broken", ".checkpoints")))

    def test_a_result_that_is_there_is_shown_again_and_never_overwritten_unasked(self):
        first = self.calibrate("there", *SMALL)
        begun = time.monotonic()
        again = self.uptake("calibrate", HISTORY, "-o", "there", *SMALL)
        self.assertLess(time.monotonic() - begun, 60)
        self.assertEqual(first.stdout, again.stdout)
        self.assertIn("already done", again.stderr)
        other = self.calibrate("there", *SMALL, "--seed", "2", code=2)
        self.assertIn("holds another result", other.stderr)

    def test_json_says_what_was_observed_what_the_model_gives_and_what_was_learnt(self):
        answer = json.loads(self.calibrate("json", *SMALL, "--json").stdout)
        self.assertEqual(answer["schema"], 1)
        (programme,) = answer["programmes"]
        self.assertEqual(programme["programme"], "focus-adhd")
        self.assertEqual([point["observed"] for point in programme["observations"]], [46, 51, 59])
        for point in programme["observations"]:
            self.assertLess(point["p05"], point["p50"])
            self.assertLess(point["p50"], point["p95"])
            self.assertLess(point["p95"], 107 * 1.01, "more than could adopt")
        learnt = {row["parameter"]: row for row in programme["parameters"]}
        self.assertTrue(learnt["initial.in_use"]["informed"])
        self.assertLess(learnt["sustainment.mu2"]["contraction"], 0.3, "three early counts say little of stopping later")
        for row in learnt.values():
            self.assertEqual(row["informed"], row["contraction"] >= 0.1)
        for name in ("effective_size", "effective_size_needed", "misfit_p", "mean_shift", "raw_to_adjusted"):
            self.assertIn(name, programme["diagnostics"])
        with h5py.File(self.path("json", "posterior.h5")) as file:
            self.assertTrue(set(SMALL) <= set(file.attrs["command"].decode().split()), "it can be made again")
            group = file["programmes/focus-adhd"]
            names = [name.decode() for name in group["parameter"]]
            at = names.index("bass.p")
            self.assertAlmostEqual(float(np.median(group["draws"][:, at])), learnt["bass.p"]["p50"], delta=0.05)

    def test_nothing_after_the_cut_off_is_fitted_to(self):
        answer = json.loads(self.calibrate("early", *SMALL, "--cutoff", "2021-03", "--json").stdout)
        fitted = [point["fitted"] for point in answer["programmes"][0]["observations"]]
        self.assertEqual(fitted, [True, False, False])

    def test_later_observations_of_ones_own_are_fitted_to(self):
        shutil.copytree(os.path.join(SCENARIOS, "history"), self.path("history"))
        shutil.copy(HISTORY, self.path("history.toml"))
        with open(self.path("history", "observations.csv"), "a", encoding="utf-8") as table:
            table.write("Focus_ADHD,2023-03,England,adopting_orgs,66,trusts,MH/community trust,primary,made up,\n")
        answer = json.loads(self.calibrate("own", *SMALL, "--json", history=self.path("history.toml")).stdout)
        self.assertEqual([point["observed"] for point in answer["programmes"][0]["observations"]], [46, 51, 59, 66])

    def test_the_other_methods_find_about_the_same(self):
        abc = json.loads(self.calibrate("abc", *SMALL, "--json").stdout)["programmes"][0]
        kalman = json.loads(self.calibrate("kalman", *SMALL, "--method", "kalman", "--json").stdout)["programmes"][0]
        self.assertIn("approximate", " ".join(kalman["warnings"]))
        a = {row["parameter"]: row for row in abc["parameters"]}["initial.in_use"]
        b = {row["parameter"]: row for row in kalman["parameters"]}["initial.in_use"]
        self.assertLess(abs(a["p50"] - b["p50"]), a["p95"] - a["p05"])

    def test_mistakes_are_named_with_what_to_do(self):
        for words, said in [(["--programme", "focus-adh"], 'did you mean "focus-adhd"'),
                            (["--cutoff", "2019-13"], "is no date"),
                            (["--cutoff", "2001"], "nothing to calibrate to"),
                            (["--method", "guess"], "--method"),
                            (["--budget", "100", "--particles", "400"], "budget"),
                            (["--set", "bass.pp=0.1"], "unknown parameter")]:
            with self.subTest(words=words):
                failed = self.calibrate("bad", *SMALL[:2], *words, code=2)
                self.assertIn(said, failed.stderr)
                self.assertEqual(failed.stdout, "")
                self.assertFalse(os.path.exists(self.path("bad")))


if __name__ == "__main__":
    main()
