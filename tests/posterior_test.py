"""`run --posterior` and what is shown of it, with a posterior made by hand for the programme of minimal.toml.

Usage: posterior_test.py PROGRAM SOURCE_FOLDER POSTERIOR_FILE_TEST: the executable that writes the posterior.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from program import MINIMAL, SCENARIOS, ProgramTest, main, read, write

WRITER = sys.argv.pop(3)
PROGRAMME = "example-tool"


def make_posterior(folder):
    subprocess.run([WRITER, "--gtest_filter=PosteriorFile.WritesAFileForOtherReaders"], check=True,
                   stdout=subprocess.DEVNULL, env=dict(os.environ, UPTAKE_READERS_FOLDER=folder))
    return os.path.join(folder, "posterior.h5")


class PosteriorRun(ProgramTest):
    def setUp(self):
        super().setUp()
        self.posterior = make_posterior(self.folder)

    def run_it(self, into, *words):
        return self.uptake("run", MINIMAL, "--replicates", "40", "--quiet", "-o", into, *words)

    def test_calibrated_parameters_are_draws_of_the_file_and_all_others_are_as_before(self):
        self.run_it("with", "--posterior", "posterior.h5")
        self.run_it("without")
        with h5py.File(self.path("with", "results.h5")) as a, h5py.File(self.path("without", "results.h5")) as b, \
                h5py.File(self.posterior) as c:
            labels = [label.decode() for label in a["parameters/parameter"]]
            draws = c[f"programmes/{PROGRAMME}/draws"][()]
            columns = [labels.index(f"{PROGRAMME}.{key}") for key in ("bass.p", "bass.q")]
            drawn = a["parameters/drawn"][()]
            for row in drawn[:, columns]:
                self.assertTrue((np.abs(draws / row - 1).max(axis=1) < 1e-12).any(), "a joint row of the file")
            others = [i for i in range(len(labels)) if i not in columns]
            np.testing.assert_array_equal(drawn[:, others], b["parameters/drawn"][()][:, others])
            informed = a["parameters/informed"]
            self.assertEqual([informed[i] for i in columns], [2, 1])
            self.assertEqual(int((informed[()] > 0).sum()), 2)
            self.assertEqual(informed.attrs["flag_meanings"].decode(),
                             "not_calibrated not_informed_by_these_data informed from_past_programmes")
            self.assertNotIn("informed", b["parameters"])
            self.assertAlmostEqual(a["parameters/posterior_p50"][columns[0]], np.median(draws[:, 0]))
            # What is shown of a parameter is what was drawn of it; the default stands apart.
            shown, defaults = a["parameters/value"][()], b["parameters/value"][()]
            np.testing.assert_allclose(shown[columns], np.median(draws, axis=0))
            np.testing.assert_allclose(a["parameters/posterior_mean"][()][columns], draws.mean(axis=0))
            np.testing.assert_array_equal(shown[others], defaults[others])
            np.testing.assert_array_equal(a["parameters/default"][()], defaults)
            self.assertNotIn("default", b["parameters"])
            self.assertEqual(a["parameters/grade"][columns[0]].decode(), "posterior")
            self.assertEqual(a["provenance/parameters"][()].decode(), "posterior")
            self.assertEqual(a["provenance/posterior"][()].decode(), "posterior.h5")
            self.assertIn("Not informed by these data: bass.q", a["provenance/not_informed"][()].decode())
            said = a["provenance/overrides"][()].decode().split("\n")[-1]
        self.assertRegex(said, r"^parameters=\.\./", "from the scenario's folder, as in its file")

    def test_every_output_says_what_is_calibrated_and_what_is_not_informed(self):
        done = self.uptake("run", MINIMAL, "--replicates", "20", "-o", "out", "--posterior", "posterior.h5")
        words = " ".join(done.stdout.split())
        self.assertIn(f"The parameters of spread of {PROGRAMME} are calibrated to the record (posterior.h5); the others "
                      "are drawn from their priors. Not informed by these data: bass.q", words)
        data = json.loads(read(self.path("out", "summary.json")))
        self.assertEqual(data["parameters"]["mode"], "posterior")
        self.assertEqual(data["parameters"]["programmes"],
                         [{"programme": PROGRAMME, "kind": "calibrated", "drawn": ["bass.p", "bass.q"],
                           "not_informed": ["bass.q"]}])
        page = read(self.path("out", "report.html")).decode()
        self.assertIn("Calibrated to the record", page)
        self.assertIn("not informed by these data", page)
        self.assertNotIn("Not calibrated", page)
        with h5py.File(self.posterior) as file:
            low, median, high = np.percentile(file[f"programmes/{PROGRAMME}/draws"][:, 0], (5, 50, 95))
        shown = page.split('<section id="assumptions"')[1].split('<th scope="row">bass.p</th>')[1].split("</tr>")[0]
        for words in (f">{median:.3g}<", f"posterior, 90 %: {low:.3g} to {high:.3g}", ">posterior<",
                      "calibrated to the record (posterior.h5)", "; the default of 1.3 is not used<"):
            self.assertIn(words, shown)
        self.assertIn("and 1 are known from the posterior", page)
        self.uptake("export", "out", "--csv", "--quiet")
        with open(self.path("out", "csv", "parameters.csv"), encoding="utf-8", newline="") as file:
            rows = {row["key"]: row for row in csv.DictReader(file)}
        self.assertEqual(float(rows["bass.p"]["default"]), 1.3)
        self.assertAlmostEqual(float(rows["bass.p"]["value"]), median)
        self.assertAlmostEqual(float(rows["bass.p"]["posterior_p95"]), high)
        self.assertEqual(rows["implementation.phi"]["posterior_p95"], "")
        self.assertIn(f"posterior, 90 %: {low:.3g} to {high:.3g}", self.uptake("report", "out", "--cheers").stdout + read(
            self.path("out", "cheers.md")).decode())

    def test_runs_resume_are_found_again_and_are_told_apart_by_their_draws(self):
        self.run_it("out", "--posterior", "posterior.h5")
        before = read(self.path("out", "results.h5"))
        self.assertIn("already done", self.uptake("run", MINIMAL, "--replicates", "40", "-o", "out", "--posterior",
                                                  "posterior.h5").stderr)
        self.uptake("run", MINIMAL, "--replicates", "40", "-o", "out", code=2)
        self.run_it("again", "--posterior", "posterior.h5", "--threads", "1")
        self.assertEqual(read(self.path("again", "results.h5")), before)
        self.assertIn("would simulate", self.uptake("run", MINIMAL, "--dry-run", "--posterior", "posterior.h5").stdout)

    def test_a_scenario_names_its_posterior(self):
        shutil.copytree(os.path.join(SCENARIOS, "minimal"), self.path("minimal"))
        text = read(MINIMAL).decode()
        write(self.path("mine.toml"), text.replace('parameters = "prior"', 'parameters = "posterior.h5"'))
        self.uptake("validate", "mine.toml")
        self.uptake("run", "mine.toml", "--replicates", "40", "--quiet", "-o", "named")
        self.run_it("given", "--posterior", "posterior.h5")
        with h5py.File(self.path("named", "results.h5")) as a, h5py.File(self.path("given", "results.h5")) as b:
            np.testing.assert_array_equal(a["parameters/drawn"][()], b["parameters/drawn"][()])
        self.uptake("run", "mine.toml", "--replicates", "20", "--quiet", "-o", "prior", "--set", "parameters=prior")
        with h5py.File(self.path("prior", "results.h5")) as a:
            self.assertEqual(a["provenance/parameters"][()].decode(), "prior")
        write(self.path("lost.toml"), text.replace('parameters = "prior"', 'parameters = "lost.h5"'))
        error = self.uptake("validate", "lost.toml", code=2).stderr
        self.assertIn("lost.toml:11:14: ", error)
        self.assertIn("which is not there", error)

    def test_params_show_the_posterior_beside_the_prior(self):
        text = self.uptake("params", MINIMAL, "--posterior", "posterior.h5").stdout
        self.assertEqual(text.count("not informed by these data"), 1)
        self.assertEqual(text.count("contraction"), 2)
        self.assertRegex(text, r"bass\.p +[\d.]+ 1/year +\S.* posterior +calibrated to the record .*\[posterior\]\n.*median of the "
                               r"posterior, 90 %: .*\n +1\.3 1/year +default, not used \[\S+\]\n")
        rows = json.loads(self.uptake("params", MINIMAL, "--posterior", "posterior.h5", "--json").stdout)["parameters"]
        for row in rows:
            self.assertEqual("default" in row, "posterior" in row)
            if "posterior" in row:
                self.assertEqual(row["value"], row["posterior"]["p50"])
        found = {row["key"]: row["posterior"] for row in rows if "posterior" in row}
        self.assertEqual(list(found), ["bass.p", "bass.q"])
        self.assertTrue(found["bass.p"]["informed"])
        self.assertLess(found["bass.p"]["p05"], found["bass.p"]["p50"])
        self.assertFalse(found["bass.q"]["informed"])

    def test_results_and_page_tell_what_was_calibrated_to(self):
        self.run_it("with", "--posterior", "posterior.h5")
        self.run_it("without")
        with h5py.File(self.path("with", "results.h5")) as run, h5py.File(self.posterior) as file, \
                h5py.File(self.path("without", "results.h5")) as without:
            self.assertNotIn("calibration", without)
            told, fit = run["calibration"], file[f"programmes/{PROGRAMME}"]
            self.assertEqual([name.decode() for name in told["programme"]], [PROGRAMME])
            self.assertEqual([(int(told[k][0])) for k in ("kind", "completion", "n_simulations", "n_fitted")],
                             [0, 1, 100_000, 1])
            for name in ("measure", "region", "point_unit", "date", "observed", "p05", "p25", "p50", "p75", "p95",
                         "pit", "fitted"):
                np.testing.assert_array_equal(told[name][()], fit[name][()], name)
            self.assertEqual(told["warnings"][0], fit["warnings"][()])
            for k, probability in (("05", 5), ("50", 50), ("95", 95)):
                np.testing.assert_allclose(told[f"posterior_p{k}"], np.percentile(fit["draws"], probability, axis=0))
            self.assertEqual(told["command"][()].decode(), file.attrs["command"].decode())
            self.assertEqual(told["record"][()].decode(), file.attrs["title"].decode())
        page = read(self.path("with", "report.html")).decode()
        section = page.split('<section id="calibration"')[1].split("</section>")[0]
        for words in ("Calibrated to the record", "within the 90 % interval 1 of 1,",
                      "100,000 simulations", "approximate Bayesian computation", "not informed by these data",
                      "a warning – verbatim", "adopters, England, 2021-03", "LN(1.3, 0.7)",
                      "uptake calibrate made-up.toml", "A made-up record, “quoted” in UTF-8"):
            self.assertIn(words, section)
        row = section.split('<th scope="row">adopters, England, 2021-03</th>')[1].split("</tr>")[0]
        for number in (">40<", ">38<", "35 to 42", "30 to 47", "in the 50 %", "fitted to"):
            self.assertIn(number, row)
        figure = json.loads(page.split('id="data">')[1].split("</script>")[0].replace("<\\/", "</"))["intervals"][0]
        self.assertEqual(figure["rows"][0]["observed"], 40)
        self.assertIn("within the 90 % interval 1 of 1", figure["label"])
        self.assertIn("Not calibrated", read(self.path("without", "report.html")).decode())

    def test_the_calibration_opens_by_label(self):
        self.run_it("with", "--posterior", "posterior.h5")
        import xarray as xr
        for engine in ("h5netcdf", "netcdf4"):
            with xr.open_dataset(self.path("with", "results.h5"), engine=engine, group="calibration") as told:
                self.assertEqual(told.p50.dims, ("point",))
                self.assertEqual(str(told.unit.sel(parameter=f"{PROGRAMME}.bass.p").values), "1/year")
                self.assertEqual(int(told.informed.sel(parameter=f"{PROGRAMME}.bass.q")), 0)

    def test_what_is_set_is_nearer_than_the_posterior(self):
        self.run_it("out", "--posterior", "posterior.h5", "--set", "bass.p=0.5 /year")
        with h5py.File(self.path("out", "results.h5")) as file:
            labels = [label.decode() for label in file["parameters/parameter"]]
            at = labels.index(f"{PROGRAMME}.bass.p")
            self.assertEqual(set(file["parameters/drawn"][:, at]), {0.5})
            self.assertEqual(file["parameters/informed"][at], 0)
        self.assertIn("as the scenario states", read(self.path("out", "summary.txt")).decode())

    def test_compare_and_sensitivity_take_one_too(self):
        self.run_it("with", "--posterior", "posterior.h5")
        self.run_it("without")
        notes = json.loads(self.uptake("compare", "with", "without", "--json").stdout)["notes"]
        self.assertTrue(any("differ in their parameters (posterior and prior)" in note for note in notes), notes)
        self.uptake("compare", MINIMAL, "--replicates", "20", "--posterior", "posterior.h5")
        study = json.loads(self.uptake("sensitivity", MINIMAL, "--method", "one-way", "--replicates", "5", "--json",
                                       "--posterior", "posterior.h5").stdout)
        p = next(row for row in study["parameters"] if row["parameter"] == "bass.p")
        with h5py.File(self.posterior) as file:
            draws = file[f"programmes/{PROGRAMME}/draws"][:, 0]
        np.testing.assert_allclose([p["low"], p["value"], p["high"]], np.quantile(draws, [0.05, 0.5, 0.95]), rtol=1e-9)

    def test_what_cannot_be_used_is_said_and_leaves_nothing(self):
        write(self.path("text.h5"), "no HDF5")
        write(self.path("torn.h5"), read(self.posterior)[:5000])
        self.run_it("results")
        for name, code, why in (("text.h5", 3, "is no readable posterior of uptake"),
                                ("torn.h5", 3, "is no readable posterior of uptake"),
                                (self.path("results", "results.h5"), 3, "it states no posterior_format"),
                                ("none.h5", 3, "does not exist")):
            error = self.uptake("run", MINIMAL, "-o", "out", "--posterior", name, code=code).stderr
            self.assertIn(why, error)
            self.assertFalse(os.path.exists(self.path("out")))
        other = os.path.join(SCENARIOS, "pincer.toml")
        error = self.uptake("run", other, "-o", "out", "--posterior", "posterior.h5", code=2).stderr
        self.assertIn("holds nothing for pincer", error)
        self.assertIn(f"it holds {PROGRAMME}", error)


main()
