"""The outside view: how earlier forecasts fared, beside a run, and the average with them that `--outside-view` asks for.

Usage: outside_view_test.py PROGRAM SOURCE_FOLDER
"""

import csv
import json
import os

import h5py
import numpy as np

import program
from program import MINIMAL, SCENARIOS, ProgramTest, main, read, write

FORECASTS = os.path.join(SCENARIOS, "history", "forecasts.csv")
PROBABILITIES = [0.05, 0.25, 0.5, 0.75, 0.95]
ADOPTION = ["ever_adopted", "adopters"]
OWN = "programme,region,measure,date,cut,observed,p50\n"


def shipped():
    with open(FORECASTS, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text(dataset):
    value = dataset[()]
    return value.decode() if isinstance(value, bytes) else value[0].decode()


def worked_average(file, weight):
    """Quantiles again by numpy, from the replicates and the forecasts in the file."""
    ratio = file["outside_view/observed"][()] / file["outside_view/median"][()]
    names = {key: [v.decode() for v in file[f"replicates/{key}"][()]] for key in ("strategy", "programme", "region")}
    lead = names["strategy"].index(text(file["provenance/lead"]))
    of = lambda metric: file[f"replicates/{metric}"][()][:, lead, 0, 0, 0]  # noqa: E731
    adopted = of("ever_adopted")
    median = np.median(adopted)
    eligible = file["eligible"][()][0, 0]
    ratio = np.minimum(ratio, eligible / median)
    result = {}
    for name in (v.decode() for v in file["outside_view/metric"][()]):
        own = of(name)
        if name in ADOPTION:
            outcomes = np.median(own) * ratio
        else:
            some = adopted > 0
            outcomes = np.outer(own[some] / adopted[some] * median, ratio).ravel()
        model, outside = np.quantile(own, PROBABILITIES), np.quantile(outcomes, PROBABILITIES)
        result[name] = model, outside, (1 - weight) * model + weight * outside
    return result


class OutsideView(ProgramTest):
    def run_it(self, into, *words, code=0):
        return self.uptake("run", MINIMAL, "--replicates", "60", "--progress", "off", "-o", into, *words, code=code)

    def opened(self, folder):
        return h5py.File(self.path(folder, "results.h5"))

    def test_every_run_says_how_earlier_forecasts_fared(self):
        said = " ".join(self.run_it("out").stdout.split())
        rows = shipped()
        ratios = [float(row["observed"]) / float(row["p50"]) for row in rows]
        p20, p50, p80 = np.quantile(ratios, [0.2, 0.5, 0.8])
        programmes = len({row["programme"] for row in rows})
        series = len({(row["programme"], row["region"], row["measure"]) for row in rows})
        finding = (f"what happened was {p50:.2f} times what had been forecast (the median of {len(rows)} forecasts of {programmes} "
                   f"past programmes, {series} series, in forecasts.csv); in one case in five it was less than {p20:.2f} times, "
                   f"in one in five more than {p80:.2f} times")
        page = read(self.path("out", "report.html")).decode().split('<section id="finding"')[1].split("</section>")[0]
        for place in (said, page):
            self.assertIn(finding, place)
            self.assertIn("all that is net, were never back-tested", place)
            self.assertIn("this run is fitted to none (it follows from priors)", place)
            self.assertNotIn("their average with the outside view", place)
        in_json = json.loads(read(self.path("out", "summary.json")))["outside_view"]
        self.assertEqual((in_json["forecasts"], in_json["programmes"], in_json["series"]), (len(rows), programmes, series))
        np.testing.assert_allclose([in_json[key] for key in ("p20", "p50", "p80")], [p20, p50, p80], rtol=1e-12)
        self.assertEqual((in_json["weight"], in_json["averages"]), (0, []))
        with self.opened("out") as file:
            group = file["outside_view"]
            for column, name in (("programme", "programme"), ("cut", "cut"), ("date", "date")):
                self.assertEqual([v.decode() for v in group[name][()]], [row[column] for row in rows])
            np.testing.assert_array_equal(group["ratio"][()], ratios)
            self.assertNotIn("average", group)
            self.assertEqual(text(group["rule"]), f"all {len(rows)} forecasts of forecasts.csv")

    def test_a_weight_adds_the_average_and_changes_no_world(self):
        self.run_it("without")
        said = self.run_it("with", "--outside-view", "0.25").stdout
        self.assertIn("0.75 times the", said)
        with self.opened("with") as file, self.opened("without") as other:
            for name in other["replicates"]:
                np.testing.assert_array_equal(file[f"replicates/{name}"][()], other[f"replicates/{name}"][()])
            for name in other["report"]:
                np.testing.assert_array_equal(file[f"report/{name}"][()], other[f"report/{name}"][()])
            np.testing.assert_array_equal(file["parameters/drawn"][()], other["parameters/drawn"][()])
            metrics = [v.decode() for v in file["outside_view/metric"][()]]
            self.assertEqual(metrics[:2], ADOPTION)
            self.assertTrue({"patients_benefited", "admissions_avoided", "savings_cash_gbp"} <= set(metrics))
            self.assertFalse([name for name in metrics if "cost" in name or "roi" in name or "share" in name])
            worked = worked_average(file, 0.25)
            found = {name: file[f"outside_view/{name}"][()] for name in ("model", "outside", "average")}
        in_json = json.loads(read(self.path("with", "summary.json")))["outside_view"]
        for i, name in enumerate(metrics):
            for k, of in enumerate(("model", "outside", "average")):
                # The replicates in the file have 23 binary digits.
                np.testing.assert_allclose(found[of][i], worked[name][k], rtol=1e-6, atol=1e-9, err_msg=f"{name} {of}")
                self.assertEqual(list(in_json["averages"][i][of].values()), list(found[of][i]))
        self.assertIn(b"What comes of it is taken in proportion", read(self.path("with", "report.html")))
        # The effect may be harm, and past forecasts of adoption do not tell that it is none.
        self.assertLess(found["average"][metrics.index("admissions_avoided")][0], 0)
        page = read(self.path("with", "report.html"))
        self.assertIn(b"the model averaged with the outside view (weight 0.25)", page)
        os.remove(self.path("with", "report.html"))
        self.uptake("report", "with", "--quiet")
        self.assertEqual(read(self.path("with", "report.html")), page)

    def test_a_weight_is_part_of_what_was_asked(self):
        self.run_it("out", "--outside-view", "0.5", "--threads", "1")
        straight = read(self.path("out", "results.h5"))
        self.assertIn("already done", self.run_it("out", "--outside-view", "0.5").stderr)
        self.assertIn("already done", self.run_it("out", "--set", "outside_view=0.5").stderr)
        for words in ((), ("--outside-view", "0.4")):
            self.assertIn("holds another result", self.run_it("out", *words, code=2).stderr)
        # Shared out over tasks and merged, and on two threads: the same bytes.
        for task in ("0/2", "1/2"):
            self.run_it("tasks", "--outside-view", "0.5", "--task", task, "--threads", "2")
        # A task that was asked for another weight is of another run.
        self.run_it("other", "--outside-view", "0.4", "--task", "1/2")
        self.assertIn("belongs to another run", self.uptake("merge", "tasks", "other", "-o", "both", code=2).stderr)
        self.uptake("merge", "tasks", "--quiet")
        self.assertEqual(read(self.path("tasks", "results.h5")), straight)
        # One that broke off goes on only as it was asked for.
        self.run_it("half", "--outside-view", "0.5", "--task", "0/2")
        self.assertIn("unfinished run", self.run_it("half", "--outside-view", "0.5", code=2).stderr)
        self.assertIn("30 of 60 replicates were finished before",
                      self.run_it("half", "--outside-view", "0.5", "--resume").stderr)
        self.assertEqual(read(self.path("half", "results.h5")), straight)

    def test_a_table_of_ones_own_is_read_like_any_other(self):
        write(self.path("mine.csv"), OWN + "a,England,beds,2020,left out,3,2\nb,England,beds,2020,left out,1,2\n")
        self.run_it("out", "--set", "past_forecasts=mine.csv")
        found = json.loads(read(self.path("out", "summary.json")))["outside_view"]
        self.assertEqual((found["table"], found["forecasts"], found["p50"]), ("mine.csv", 2, 1))
        self.assertIn("None of them knew anything of the programme that it was of.", found["limits"])
        # Other forecasts are another question, wherever they lie.
        write(self.path("mine.csv"), OWN + "a,England,beds,2020,left out,3,2\nb,England,beds,2020,2020-03,1,2\n")
        said = self.run_it("out", "--set", "past_forecasts=mine.csv", code=2).stderr
        self.assertIn("holds another result", said)
        self.run_it("out", "--set", "past_forecasts=mine.csv", "--overwrite")
        self.assertIn("All but 1 were fitted to the first counts",
                      json.loads(read(self.path("out", "summary.json")))["outside_view"]["limits"])
        write(self.path("mine.csv"), OWN + "a,,beds,2020,25 %,3,two\n")
        said = self.run_it("bad", "--set", "past_forecasts=mine.csv", "--outside-view", "2", code=2).stderr
        for part in ("mine.csv:2:3: region is empty", 'mine.csv:2:21: p50 = "two"', "outside_view = 2 is out of range"):
            self.assertIn(part, said, "all at once")
        self.assertIn("which is not there", self.run_it("bad", "--set", "past_forecasts=no.csv", code=2).stderr)

    def test_bad_weights_are_told(self):
        for weight, why in (("nan", "is not a finite number"), ("-1", "out of range (must be in [0, 1])"),
                            ("2", "out of range (must be in [0, 1])"), ("abc", "does not begin with a finite number")):
            said = self.run_it("out", f"--outside-view={weight}", code=2).stderr
            self.assertRegex(said, r"^error: --outside-view: outside_view = ")
            self.assertIn(why, said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_what_was_never_forecast_has_no_outside_view(self):
        scenario = read(MINIMAL).decode().replace('population = "minimal"', "population = { synthetic = 40, regions = 2 }")
        scenario = scenario.replace('"minimal/example-tool.toml"', '"care-home-deterioration"').split("[[")[0]
        write(self.path("made-up.toml"), scenario)
        for words, has in (((), False), (("--outside-view", "0.1"), True)):
            self.uptake("run", "made-up.toml", "--replicates", "4", "-o", "out", "--quiet", "--overwrite", *words)
            with self.opened("out") as file:
                self.assertEqual("outside_view" in file, has)

    def test_where_the_background_rises_only_adoption_is_averaged(self):
        said = self.uptake("run", "af-anticoagulation", "--replicates", "4", "-o", "out", "--outside-view", "1", "--progress",
                           "off").stdout
        with self.opened("out") as file:
            self.assertEqual([v.decode() for v in file["outside_view/metric"][()]], ADOPTION)
            np.testing.assert_array_equal(file["outside_view/average"][()], file["outside_view/outside"][()])
        self.assertIn("What comes of it is left out", " ".join(said.split()))

    def test_the_documented_command_makes_the_shipped_table(self):
        command = "uptake backtest history --fraction 0.25,0.5,0.75 -o DIR"
        for file in (("scenarios", "history", "sources.csv"), ("docs", "calibration-evidence.md")):
            self.assertIn(command, read(os.path.join(program.SOURCE, *file)).decode())
        # A part of it, at a budget that takes seconds, has the same rows and the same observations.
        self.uptake("backtest", "history", "--fraction", "0.5,0.75", "--programme", "focus-adhd", "--budget", "1000",
                    "--particles", "200", "-o", "small", "--quiet")
        with open(self.path("small", "backtest.csv"), encoding="utf-8", newline="") as file:
            made = list(csv.DictReader(file))
        keys = ("programme", "region", "measure", "date", "cut", "observed")
        expected = [row for row in shipped() if row["programme"] == "focus-adhd"]
        self.assertEqual([[row[k] for k in keys] for row in made], [[row[k] for k in keys] for row in expected])
        self.assertEqual(list(made[0]), list(expected[0]), "columns")


if __name__ == "__main__":
    main()
