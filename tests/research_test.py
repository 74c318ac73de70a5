"""What a researcher does with a result: metadata, checklist, R, the shipped examples, tables in pandas.

Usage: research_test.py PROGRAM SOURCE_FOLDER POSTERIOR_FILE_TEST BACKTEST_TEST: the executables that write a posterior and
a back-test. What needs R with rhdf5 is skipped where there is none.
"""

import csv
import html
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from program import MINIMAL, PROGRAM, SCENARIOS, SOURCE, STATISTICS, VIEWS, ProgramTest, main, read, write

POSTERIOR_WRITER, BACKTEST_WRITER = sys.argv.pop(3), sys.argv.pop(3)
EXAMPLES = os.path.join(SOURCE, "docs", "examples")
ENGINES = ("h5netcdf", "netcdf4")
RSCRIPT = shutil.which("Rscript")
HAS_RHDF5 = RSCRIPT and subprocess.run([RSCRIPT, "-e", "library(rhdf5)"], capture_output=True).returncode == 0
# Terms of schema.org and Dublin Core that RO-Crate 1.1 defines (its context.jsonld), as far as they are used.
TYPES = {"CreativeWork", "Dataset", "File", "CreateAction", "SoftwareApplication", "WebSite", "PropertyValue"}
TERMS = {"conformsTo", "about", "name", "description", "identifier", "datePublished", "license", "mainEntity", "hasPart",
         "mentions", "temporalCoverage", "encodingFormat", "contentSize", "variableMeasured", "endTime", "actionStatus",
         "instrument", "object", "result", "version", "url", "unitText"}
CRATE = "ro-crate-metadata.json"


def text_of(value):
    return value if isinstance(value, str) else value.decode()


class Research(ProgramTest):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="uptake-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.results = os.path.join(scratch.name, "run")  # shared; no test changes it
        done = subprocess.run([PROGRAM, "run", MINIMAL, "--replicates", "40", "-o", cls.results, "--json"], check=True,
                              capture_output=True)
        cls.rows = json.loads(done.stdout)["metrics"]

    def copied(self):
        shutil.copytree(self.results, self.path("run"))
        return self.path("run")

    def crate(self, folder):
        data = json.loads(read(os.path.join(folder, CRATE)))
        self.assertEqual(data["@context"], "https://w3id.org/ro/crate/1.1/context")
        entities = {entity["@id"]: entity for entity in data["@graph"]}
        self.assertEqual(len(entities), len(data["@graph"]), "every identifier once")
        return entities

    def keeps_to_the_specification(self, folder):
        """What RO-Crate 1.1 says a crate MUST have; every reference within it leads somewhere."""
        entities = self.crate(folder)
        descriptor, root = entities[CRATE], entities["./"]
        self.assertEqual(descriptor["@type"], "CreativeWork")
        self.assertEqual(descriptor["about"], {"@id": "./"})
        self.assertEqual(descriptor["conformsTo"], {"@id": "https://w3id.org/ro/crate/1.1"})
        self.assertEqual(root["@type"], "Dataset")
        for key in ("name", "description", "datePublished", "license"):
            self.assertTrue(root[key], key)
        parts = [part["@id"] for part in root["hasPart"]]
        self.assertEqual(sorted(parts), sorted(set(os.listdir(folder)) - {CRATE}), "the files of the folder, no others")
        for entity in entities.values():
            self.assertIn(entity["@type"], TYPES)
            self.assertLessEqual(set(entity) - {"@id", "@type"}, TERMS)
            for key, value in entity.items():
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, dict) and key not in ("actionStatus", "conformsTo"):
                        self.assertIn(one["@id"], entities, key)
        for part in parts:
            self.assertEqual(entities[part]["@type"], "File")
            self.assertEqual(int(entities[part]["contentSize"]), os.path.getsize(os.path.join(folder, part)), part)
        return entities

    def test_a_run_describes_its_folder_as_a_crate(self):
        entities = self.keeps_to_the_specification(self.results)
        run = json.loads(read(os.path.join(self.results, "run.json")))
        action, program = entities["#made"], entities["#uptake"]
        self.assertEqual(action["@type"], "CreateAction")
        self.assertEqual(action["description"], " ".join(run["command"]))
        self.assertEqual(action["endTime"], run["date"])
        self.assertEqual(action["instrument"], {"@id": "#uptake"})
        self.assertIn({"@id": "#scenario"}, action["object"])
        self.assertIn({"@id": "results.h5"}, action["result"])
        self.assertEqual((program["version"], program["identifier"]), (run["version"], run["git_id"]))
        self.assertEqual(entities[program["license"]["@id"]]["identifier"], "Apache-2.0")
        licence = entities[entities["./"]["license"]["@id"]]
        self.assertEqual(licence["identifier"], "OGL-UK-3.0")
        self.assertIn(licence["description"], read(os.path.join(self.results, "report.html")).decode())
        with xr.open_dataset(os.path.join(self.results, "results.h5"), engine="h5netcdf", group="report") as report:
            measured = {entities[one["@id"]]["name"]: entities[one["@id"]]["unitText"]
                        for one in entities["results.h5"]["variableMeasured"]}
            self.assertEqual(measured, {name: report[name].attrs["units"] for name in report.data_vars})

    def test_the_same_folder_gives_the_same_metadata_and_what_is_added_is_described(self):
        folder = self.copied()
        before = read(os.path.join(folder, CRATE))
        self.uptake("report", "run")
        self.assertEqual(read(os.path.join(folder, CRATE)), before)
        self.uptake("report", "run", "--cheers")
        self.uptake("sensitivity", MINIMAL, "--method", "one-way", "--replicates", "2", "-o", "run")
        entities = self.keeps_to_the_specification(folder)
        for name in ("cheers.md", "sensitivity.json"):
            self.assertIn(name, entities)
            self.assertNotIn({"@id": name}, entities["#made"]["result"], "made later")

    def test_a_calibration_describes_its_folder_too(self):
        self.uptake("calibrate", "history", "--programme", "tcam", "--budget", 600, "--particles", 200, "-o", "fit",
                    "--quiet")
        entities = self.keeps_to_the_specification(self.path("fit"))
        self.assertIn("tcam", entities["./"]["description"])
        self.assertEqual(entities["#made"]["object"], [{"@id": "#record"}])
        self.assertIn({"@id": "posterior.h5"}, entities["#made"]["result"])
        self.assertEqual(entities["#made"]["endTime"], json.loads(read(self.path("fit", "run.json")))["date"])

    def test_a_run_and_a_calibration_never_replace_each_other(self):
        fit = ["calibrate", "history", "--programme", "focus-adhd", "--budget", 600, "--particles", 200, "--quiet", "-o"]
        folder = self.copied()
        before = sorted(os.listdir(folder))
        for more in ([], ["--overwrite"]):
            self.assertIn("holds the results of a run", self.uptake(*fit, "run", *more, code=2).stderr)
        self.assertEqual(sorted(os.listdir(folder)), before)
        self.uptake(*fit, "fit")
        for more in ([], ["--overwrite"], ["--resume"]):
            self.assertIn("holds a calibration", self.uptake("run", MINIMAL, "-o", "fit", *more, code=2).stderr)
        self.assertIn("posterior.h5", os.listdir(self.path("fit")))
        self.uptake(*fit, "fit", "--overwrite")

    def test_a_backtest_describes_its_folder_and_shares_one_with_a_run(self):
        words = ["backtest", "history", "--cutoff", "2021-03", "--programme", "focus-adhd", "--budget", 1500,
                 "--particles", 300, "--quiet", "-o"]
        self.uptake(*words, "test")
        entities = self.keeps_to_the_specification(self.path("test"))
        facts = json.loads(read(self.path("test", "run.json")))
        self.assertEqual(facts["kind"], "backtest")
        self.assertEqual(entities["./"]["mainEntity"], {"@id": "backtest.h5"})
        self.assertEqual(entities["./"]["identifier"], facts["digest"])
        self.assertEqual(entities["#made"]["object"], [{"@id": "#record"}])
        self.assertEqual({one["@id"] for one in entities["#made"]["result"]},
                         {"backtest.h5", "backtest.json", "backtest.csv", "run.json"})
        self.assertIn("--overwrite", self.uptake(*words, "test", code=2).stderr)
        shutil.copytree(self.path("test"), self.path("results", "test"))
        self.assertIn("backtest of history.toml (seed 20180401, ", self.uptake("list").stdout)
        # A run may go there, or the back-test may go to a run: what is there says how it was made.
        self.uptake("run", MINIMAL, "--replicates", "40", "-o", "test")
        entities = self.keeps_to_the_specification(self.path("test"))
        self.assertEqual(entities["./"]["mainEntity"], {"@id": "results.h5"})
        self.assertNotIn({"@id": "backtest.h5"}, entities["#made"]["result"])
        how = read(self.path("test", "run.json"))
        self.uptake(*words, "test", "--overwrite")
        self.assertEqual(read(self.path("test", "run.json")), how)
        self.keeps_to_the_specification(self.path("test"))

    def test_a_file_that_does_not_fit_together_is_refused(self):
        for path, text in (("provenance/lead", "nobody"), ("provenance/comparator", "nobody")):
            shutil.copytree(self.results, self.path(text + path[11:]))
            with h5py.File(self.path(text + path[11:], "results.h5"), "r+") as file:
                file[path][()] = text
            for words in (["--cheers"], []):
                done = self.uptake("report", text + path[11:], *words, code=3)
                self.assertIn("no such strategy", done.stderr)
            self.assertFalse(os.path.exists(self.path(text + path[11:], "cheers.md")))

    def test_without_a_date_no_metadata_are_made_up(self):
        folder = self.copied()
        os.remove(os.path.join(folder, CRATE))
        for broken in (None, "", "{", "[]", '{"date": 5}', '{"date": "2026-01-01", "version": "1", "git_id": "a", '
                       '"command": [1]}'):
            if broken is None:
                os.remove(os.path.join(folder, "run.json"))
            else:
                write(os.path.join(folder, "run.json"), broken)
            self.assertIn("is not written", self.uptake("report", "run").stderr)
            self.assertFalse(os.path.exists(os.path.join(folder, CRATE)), broken)

    # ---- what is replaced ------------------------------------------------------------------------------------------

    def with_all_that_is_made_later(self):
        folder = self.copied()
        self.uptake("sensitivity", MINIMAL, "--method", "one-way", "--replicates", "2", "-o", "run")
        self.uptake("report", "run", "--cheers")
        self.uptake("export", "run", "--csv")
        self.assertLessEqual({"sensitivity.json", "cheers.md", "csv"}, set(os.listdir(folder)))
        return folder

    def test_a_run_that_replaces_another_leaves_nothing_of_it(self):
        folder = self.with_all_that_is_made_later()
        self.assertTrue(b'"tornado":' in read(os.path.join(folder, "report.html")))
        write(os.path.join(folder, "backtest.csv"), "")  # of a record, and of no run
        write(os.path.join(folder, "notes.txt"), "mine")
        self.uptake("run", MINIMAL, "--replicates", "40", "--seed", "5", "-o", "run", "--overwrite")
        self.assertEqual(set(os.listdir(folder)), set(os.listdir(self.results)) | {"backtest.csv", "notes.txt"})
        self.assertFalse(b'"tornado":' in read(os.path.join(folder, "report.html")))

    def test_the_same_run_again_keeps_what_was_made_of_it(self):
        folder = self.with_all_that_is_made_later()
        self.uptake("run", MINIMAL, "--replicates", "40", "-o", "run", "--overwrite")
        self.assertLessEqual({"sensitivity.json", "cheers.md", "csv"}, set(os.listdir(folder)))
        shutil.rmtree(os.path.join(folder, "csv"))
        self.keeps_to_the_specification(folder)

    def test_a_study_of_another_scenario_is_not_put_beside_a_result(self):
        folder = self.copied()
        words = ["--method", "one-way", "--replicates", "2", "-o", "run"]
        self.assertIn("another scenario", self.uptake("sensitivity", "pincer", *words, code=2).stderr)
        self.assertFalse(os.path.exists(os.path.join(folder, "sensitivity.json")))
        self.assertIn("other values", self.uptake("sensitivity", MINIMAL, *words, "--seed", 3).stderr)
        self.assertNotIn("warning", self.uptake("sensitivity", MINIMAL, *words).stderr)

    def test_own_words_in_a_checklist_are_not_lost_with_the_run(self):
        folder = self.with_all_that_is_made_later()
        write(os.path.join(folder, "cheers.md"), read(os.path.join(folder, "cheers.md")) + b"\nFunded by nobody.\n")
        before = {name: read(os.path.join(folder, name)) for name in os.listdir(folder) if name != "csv"}
        done = self.uptake("run", MINIMAL, "--seed", "5", "-o", "run", "--overwrite", code=2)
        self.assertIn("cheers.md: was filled from the result that would be replaced", done.stderr)
        self.assertTrue(before == {name: read(os.path.join(folder, name)) for name in os.listdir(folder) if name != "csv"})

    # ---- how to repeat it ------------------------------------------------------------------------------------------

    def test_the_command_to_repeat_survives_quotes_and_gives_the_same_bytes(self):
        os.symlink(PROGRAM, self.path("uptake"))
        os.symlink(SCENARIOS, self.path("scenarios"))
        self.uptake("run", "scenarios/minimal.toml", "--replicates", 5, "-o", "first", "--set",
                    "title=\"Homes' own $HOME `x`\"", "--set", "bass.q=0.5 /year")
        page = read(self.path("first", "report.html")).decode()
        section = page.split('<section id="provenance"')[1]
        command = html.unescape(section.split("<pre")[1].split(">", 1)[1].split("</pre>")[0])
        subprocess.run(["sh", "-c", command + " -o second"], cwd=self.folder, check=True, capture_output=True)
        self.assertTrue(read(self.path("first", "results.h5")) == read(self.path("second", "results.h5")), command)
        with h5py.File(self.path("second", "results.h5")) as file:
            self.assertEqual(text_of(file.attrs["title"]), "Homes' own $HOME `x`")

    def test_where_somebody_keeps_the_tables_is_not_in_the_results(self):
        files = []
        for user in ("alice", "bob"):
            shutil.copytree(os.path.join(SCENARIOS, "minimal"), self.path(user, "minimal"))
            write(self.path(user, "s.toml"), read(MINIMAL))
            self.uptake("run", self.path(user, "s.toml"), "--replicates", 5, "-o", self.path(user, "out"), "--set",
                        "population=" + self.path(user, "minimal"))
            files.append(read(self.path(user, "out", "results.h5")))
        self.assertTrue(files[0] == files[1])
        for trace in (self.folder.encode(), b"alice"):
            self.assertFalse(trace in files[0], trace)
        with h5py.File(self.path("bob", "out", "results.h5")) as file:
            self.assertRegex(text_of(file["provenance/population_vintage"][()]),
                             r"^As in the tables of the folder minimal, digest [0-9a-f]{16}$")
            self.assertIn("population=minimal", text_of(file["provenance/overrides"][()]).split("\n"))

    # ---- damage ----------------------------------------------------------------------------------------------------

    def test_damaged_results_are_refused_by_every_command_that_reads_them(self):
        folder = self.copied()
        whole = read(os.path.join(folder, "results.h5"))
        self.assertEqual(whole[-16:-8], b"uptkseal")
        random = np.random.default_rng(5)
        commands = (["report", "run"], ["report", "run", "--cheers"], ["export", "run", "--csv"], ["compare", "run"])
        for i in range(80):  # results_file_test.cpp tries hundreds
            at = int(random.integers(len(whole) - 16))
            damaged = bytearray(whole)
            damaged[at] ^= int(random.integers(1, 256))
            write(os.path.join(folder, "results.h5"), bytes(damaged))
            done = self.uptake(*commands[i % len(commands)], code=3)
            self.assertIn("is no readable result of uptake: it was damaged or changed", done.stderr)
        # Copied alone it is read, and so is one that another program has changed: that cuts the seal off.
        write(self.path("alone", "results.h5"), whole)
        self.uptake("compare", "alone")
        with h5py.File(self.path("alone", "results.h5"), "r+") as file:
            file["provenance/scenario"].attrs["mine"] = 1
        self.assertNotEqual(read(self.path("alone", "results.h5"))[-16:-8], b"uptkseal")
        self.uptake("compare", "alone")

    def test_figures_that_the_shipped_posterior_was_fitted_to_are_told_apart(self):
        self.uptake("run", "precept", "--posterior", "posterior", "--replicates", 3, "--quiet", "-o", "run")
        with open(self.path("run", "published.csv"), encoding="utf-8", newline="") as file:
            fitted = {(row["metric"], row["to"]): row["fitted"] for row in csv.DictReader(file)}
        self.assertEqual(fitted["uptake_share", "2022-06-30"], "yes")  # 85.5 % in the record
        self.assertEqual(fitted["implementing_ever", "2020-03-31"], "yes")
        self.assertEqual(fitted["events_avoided", "2023-03-31"], "no")
        self.uptake("run", "precept", "--replicates", 3, "--quiet", "-o", "prior")
        with open(self.path("prior", "published.csv"), encoding="utf-8", newline="") as file:
            self.assertEqual({row["fitted"] for row in csv.DictReader(file)}, {"no"})

    # ---- the checklist --------------------------------------------------------------------------------------------

    def test_the_checklist_has_28_items_with_the_figures_of_the_run(self):
        folder = self.copied()
        self.assertEqual(self.uptake("report", "run", "--cheers", "-o", "list.md").stdout.strip(), "list.md")
        text = read(self.path("list.md")).decode()
        items = [line for line in text.splitlines() if line.startswith("## ")]
        self.assertEqual([int(line.split()[1]) for line in items], list(range(1, 29)))
        state = {int(row[1]): row[3].strip() for row in
                 (line.split("|") for line in text.splitlines() if line.startswith("| ")) if row[1].strip().isdigit()}
        left = {number for number, words in state.items() if words == "for the authors"}
        self.assertEqual(left, {1, 2, 3, 4, 21, 25, 26, 27, 28})
        body = dict(zip(range(1, 29), text.split("\n## ")[1:]))
        for number in left:
            self.assertIn("**For the authors:**", body[number])
        with xr.open_dataset(os.path.join(folder, "results.h5"), engine="h5netcdf", group="report") as report:
            cost = report.cost_gbp.sel(strategy="as-delivered", view="gross", statistic="mean", region="England",
                                       programme="example-tool", report="2022-03-31")
            row, = [line for line in body[23].splitlines() if "`cost_gbp`" in line]
            shown = float(row.split("|")[3].strip().replace(",", ""))
            self.assertLess(abs(shown / float(cost) - 1), 5e-3, "three digits")
            self.assertIn(report.cost_gbp.attrs["price_year"], body[15])
        with xr.open_dataset(os.path.join(folder, "results.h5"), engine="h5netcdf", group="parameters") as parameters:
            for name in parameters.parameter.values:
                self.assertIn(f"| `{name}` |", body[22])
        self.assertIn("economy.discount_money", body[10])
        self.assertIn("`no-network`: the comparator", body[7])
        self.assertIn("was not run", body[24])
        self.uptake("sensitivity", MINIMAL, "--method", "one-way", "--replicates", "2", "-o", "run")
        self.uptake("report", "run", "--cheers")
        self.assertNotIn("was not run", read(self.path("run", "cheers.md")).decode())

    def test_a_checklist_that_somebody_has_written_in_is_not_replaced(self):
        folder = self.copied()
        self.uptake("report", "run", "--cheers")
        self.uptake("report", "run", "--cheers")  # the same text: nothing to lose
        own = read(os.path.join(folder, "cheers.md")) + b"\nFunded by nobody.\n"
        write(os.path.join(folder, "cheers.md"), own)
        self.assertIn("--overwrite", self.uptake("report", "run", "--cheers", code=2).stderr)
        self.assertEqual(read(os.path.join(folder, "cheers.md")), own)
        self.uptake("report", "run", "--cheers", "--overwrite")
        self.assertNotEqual(read(os.path.join(folder, "cheers.md")), own)
        self.uptake("report", "run", "-o", "x.html", code=2)

    # ---- readers --------------------------------------------------------------------------------------------------

    def test_r_reads_labels_units_and_values(self):
        if not HAS_RHDF5:
            self.skipTest("no R with rhdf5 here")
        file = os.path.join(self.results, "results.h5")
        script = """
            library(rhdf5); file <- commandArgs(TRUE)[1]
            dataset <- H5Dopen(id <- H5Fopen(file, flags = "H5F_ACC_RDONLY"), "report/admissions_avoided")
            cat(H5Aread(H5Aopen(dataset, "units")), "\\n", sep = "")
            H5Dclose(dataset); H5Fclose(id)
            axes <- c("region", "report", "programme", "statistic", "view", "strategy")  # R has the first axis last
            labels <- lapply(setNames(axes, axes), function(axis) as.character(h5read(file, paste0("report/", axis))))
            values <- array(h5read(file, "report/admissions_avoided"), lengths(labels), labels)
            cat(labels$region, sep = "|"); cat("\\n")
            cat(sprintf("%.17g", values["Region A", "2022-03-31", "example-tool", "p95", "gross", "as-delivered"]), "\\n")
            cat(h5read(file, "provenance/seed_text"), "\\n", sep = "")
            cat(as.character(as.Date(as.integer(h5read(file, "time")[1]), origin = "1970-01-01")), "\\n", sep = "")
        """
        with h5py.File(file) as data:
            regions = [name.decode() for name in data["report/region"][()]]
            region = regions[1]
            at = [[name.decode() for name in data[f"report/{axis}"][()]].index(label) for axis, label in
                  (("strategy", "as-delivered"), ("view", "gross"), ("statistic", "p95"), ("programme", "example-tool"),
                   ("report", "2022-03-31"), ("region", region))]
            value = data["report/admissions_avoided"][tuple(at)]
            units = data["report/admissions_avoided"].attrs["units"]
            seed = data["provenance/seed_text"][()].decode()
        write(self.path("read.R"), script.replace("Region A", region))
        done = subprocess.run([RSCRIPT, self.path("read.R"), file], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        shown = done.stdout.splitlines()
        self.assertEqual(shown[0], units if isinstance(units, str) else units.decode())
        self.assertEqual(shown[1].split("|"), regions)
        self.assertEqual(float(shown[2]), value)
        self.assertEqual(shown[3:], [seed, "2021-04-30"])

    def headline_is_that_of_the_run(self, table):
        rows = list(csv.DictReader(io.StringIO(table)))
        self.assertGreater(len(rows), 15)
        known = {(row["metric"], row["view"], row["to"]): row for row in self.rows
                 if (row["strategy"], row["region"]) == ("as-delivered", "England")}
        for row in rows:
            expected = known[row["metric"], row["view"], row["report"]]
            self.assertEqual(row["unit"], expected["unit"])
            for statistic in ("mean", "p05", "p95"):
                self.assertTrue(np.isclose(float(row[statistic]), expected[statistic], rtol=1e-6, atol=1e-9),
                                (row, expected[statistic]))

    def test_the_examples_draw_the_fan_and_print_the_headline(self):
        commands = {"figure.py": [sys.executable]} | ({"figure.R": [RSCRIPT]} if HAS_RHDF5 else {})
        for name, interpreter in commands.items():
            with self.subTest(name):
                done = subprocess.run([*interpreter, os.path.join(EXAMPLES, name),
                                       os.path.join(self.results, "results.h5"), self.path("fan.svg")],
                                      capture_output=True, text=True, check=True)
                self.assertEqual(done.stderr, "")
                self.headline_is_that_of_the_run(done.stdout)
                self.assertIn("<svg", read(self.path("fan.svg")).decode())

    def test_posterior_and_backtest_open_in_every_reader(self):
        for writer, case in ((POSTERIOR_WRITER, "PosteriorFile"), (BACKTEST_WRITER, "Backtest")):
            subprocess.run([writer, f"--gtest_filter={case}.WritesAFileForOtherReaders"], check=True,
                           stdout=subprocess.DEVNULL, env=dict(os.environ, UPTAKE_READERS_FOLDER=self.folder))
        posterior, backtest = self.path("posterior.h5"), self.path("backtest.h5")
        # The checksum stands behind the end of the HDF5 file, which readers do not pass.
        self.assertEqual(read(posterior)[-16:-8], b"uptkseal")
        with h5py.File(posterior) as file:
            draws = file["programmes/example-tool/draws"][()]
            self.assertEqual(file["programmes/example-tool/unit"][0].decode(), "1/year")
        with h5py.File(backtest) as file:
            n_forecasts, units = file["draws"].shape[0], [unit.decode() for unit in file["unit"][()]]
        for engine in ENGINES:
            with self.subTest(engine), xr.open_dataset(posterior, engine=engine, group="programmes/example-tool") as fit, \
                    xr.open_dataset(backtest, engine=engine) as data:
                np.testing.assert_array_equal(fit.draws.values, draws)
                self.assertEqual(int(data.attrs["backtest_format"]), 1)
                self.assertEqual(data.draws.dims, ("forecast", "draw"))
                self.assertEqual(data.quantiles.dims, ("forecast", "probability"))
                self.assertEqual(list(data.baseline.values), ["persistence", "linear", "bass"])
                self.assertEqual(list(data.unit.values), units)
                one = data.isel(forecast=0)
                self.assertEqual(str(one.forecast.values).split("/")[0], str(one.programme.values))
                self.assertTrue(np.isfinite(float(one.wis)) and np.isfinite(float(data.skill.sel(baseline="linear"))))
        for file in (posterior, backtest):
            subprocess.run(["ncdump", file], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["h5dump", "-H", file], check=True, stdout=subprocess.DEVNULL)
        if HAS_RHDF5:
            shown = subprocess.run([RSCRIPT, "-e", 'library(rhdf5); for (f in commandArgs(TRUE)) cat(length(h5read(f, '
                                    'if (grepl("post", f)) "programmes/example-tool/draws" else "draws")), "\\n")',
                                    posterior, backtest], capture_output=True, text=True, check=True).stdout.split()
            self.assertEqual(int(shown[0]), draws.size)
        shown = subprocess.run([sys.executable, os.path.join(EXAMPLES, "calibration.py"), posterior, backtest],
                               capture_output=True, text=True, check=True).stdout
        low, median, high = np.quantile(draws[:, 0], [0.05, 0.5, 0.95])
        row, = [line.split(",") for line in shown.splitlines() if line.startswith("example-tool,bass.p,")]
        np.testing.assert_allclose([float(x) for x in row[3:6]], [low, median, high], rtol=1e-9)
        forecasts = shown.split("programme,region,measure,date")[1].splitlines()[1:]
        self.assertEqual(len(forecasts), n_forecasts)

    def test_tables_load_into_pandas_with_the_right_types(self):
        summary = pd.read_csv(os.path.join(self.results, "summary.csv"), parse_dates=["from", "to"],
                              float_precision="round_trip")
        self.assertEqual(len(summary), len(self.rows))
        self.assertEqual(set(summary["view"]), set(VIEWS))
        for column in ("from", "to"):
            self.assertEqual(summary[column].dtype, "datetime64[ns]", column)
        for column in STATISTICS:
            self.assertEqual(summary[column].dtype, np.float64, column)
        for column in ("strategy", "programme", "region", "metric", "view", "unit", "price_year"):
            self.assertEqual(summary[column].dtype, object, column)
        self.assertEqual(list(summary["mean"]), [row["mean"] for row in self.rows], "to the last digit")

        self.uptake("export", self.results, "--csv", "-o", "tables")
        tables = {name: pd.read_csv(self.path("tables", name)) for name in os.listdir(self.path("tables"))
                  if name.endswith(".csv")}
        self.assertLessEqual({"course.csv", "report.csv", "replicates.csv"}, set(tables))
        for name, table in tables.items():
            if name == "dictionary.csv":  # all text
                continue
            numbers = [column for column in table.columns if column in STATISTICS or column in ("value", "replicate")]
            self.assertTrue(numbers, name)
            for column in table.columns:
                wanted = np.number if column in numbers else object
                if table[column].notna().any():
                    self.assertTrue(np.issubdtype(table[column].dtype, wanted), f"{name} {column}")
        report = tables["report.csv"]
        self.assertEqual(pd.to_datetime(report["report"]).dt.year.min(), 2022)
        # The same regions as in the summary, those of what is given for England alone too.
        self.assertEqual({(row.variable, row.region) for row in report.itertuples()},
                         {(row.metric, row.region) for row in summary.itertuples()})
        self.assertIn(("regional_gini", "England"), {(row.variable, row.region) for row in report.itertuples()})
        year = tables["year.csv"]
        self.assertEqual(sorted(set(zip(year["year"], year["year_from"], year["year_to"]))),
                         [("2021/22", "2021-04-01", "2022-03-31"), ("2022/23", "2022-04-01", "2023-03-31"),
                          ("2023/24", "2023-04-01", "2023-04-05")])


main()
