"""What --json of every command promises to other programs. Usage: json_test.py PROGRAM SOURCE_FOLDER"""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from collections import defaultdict

import program
from program import STATISTICS, VIEWS

ROW = ["strategy", "programme", "region", "metric", "view", "unit", "from", "to", "price_year", *STATISTICS]
# The names that other programs may ask for; the documentation's table holds those and some more.
COUNTS = {"engaged", "implementing_ever", "adopters", "ever_adopted", "sustained_adopters"}
ADDITIVE = COUNTS | {"patients_benefited", "patients_in_year", "admissions_avoided", "bed_days_avoided", "home_years",
                     "savings_gross_gbp", "savings_cash_gbp", "capacity_released_gbp", "cost_gbp",
                     "net_present_value_gbp", "events_avoided"}
PROMISED = ADDITIVE | {"adoption_share", "roi_fiscal", "roi_net", "acceleration_months", "attributable_share",
                       "regional_cv", "deprivation_gap"}
# Promised for programmes whose outcomes or ledger need them; none of those is shipped yet.
LATER = {"present_value_social_gbp", "uptake_share", "capacity_beds", "sites", "qalys", "roi_social", "investment_gbp", "jobs",
         "companies_supported"}
MORE = {"cost_public_gbp", "levels_never_reached_share", "regional_gini", "slope_index", "relative_index",
        "concentration_index", "not_otherwise_adopted", "significantly_reduced", "first_use_months",
        "latest_first_use_months", "present_value_cash_gbp", "present_value_cost_gbp", "present_value_cost_public_gbp"}
MORE |= {f"{of}_{measure}" for of in ("reach", "benefit")
         for measure in ("regional_cv", "regional_gini", "deprivation_gap", "slope_index", "relative_index",
                         "concentration_index")}
# Comparisons of two strategies have no other view; a ratio of sums has no difference.
NET_ALONE = {"roi_net", "acceleration_months", "levels_never_reached_share", "attributable_share",
             "not_otherwise_adopted", "significantly_reduced"}
NO_NET = {"roi_fiscal"}
RATIOS_OF_MEANS = {"roi_fiscal", "roi_net", "attributable_share"}


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def strict(text):
    return json.loads(text, parse_constant=refuse_constant)


class Json(program.ProgramTest):
    maxDiff = None

    def report(self, scenario, *options):
        return strict(self.uptake("run", scenario, "-o", "out", "--json", *options).stdout)

    def check_rows(self, data, regions, reports):
        """Everything that holds for the rows of any run."""
        rows = data["metrics"]
        self.assertEqual({tuple(row) for row in rows}, {tuple(ROW)})
        self.assertEqual([row["to"] for row in rows], sorted((row["to"] for row in rows), key=reports.index))
        self.assertEqual({row["region"] for row in rows}, {"England", *regions})
        names = {row["metric"] for row in rows}
        self.assertEqual(names - MORE, PROMISED)
        self.assertEqual({row["view"] for row in rows}, set(VIEWS))
        cells = {}
        for row in rows:
            key = tuple(row[name] for name in ("strategy", "programme", "region", "metric", "view", "to"))
            self.assertNotIn(key, cells, "one row for each")
            cells[key] = row
            views = {"net"} if row["metric"] in NET_ALONE else set(VIEWS) - ({"net"} if row["metric"] in NO_NET else set())
            self.assertIn(row["view"], views, row)
            self.assertEqual(row["price_year"], "2023/24" if row["unit"] == "GBP" else None)
            self.assertNotIn(row["unit"], {"days", "hours", "minutes", "seconds", ""})
            self.assertTrue(all(type(row[s]) in (int, float) and math.isfinite(row[s]) for s in STATISTICS[:1]), row)
            quantiles = [row[s] for s in ("p05", "p25", "p50", "p75", "p95")]
            self.assertEqual(quantiles, sorted(quantiles), row)
            if row["mcse"] is not None and row["metric"] not in RATIOS_OF_MEANS:
                self.assertTrue(row["sd"] >= 0 and row["mcse"] <= row["sd"], row)
        return cells

    def check_sums(self, cells, regions):
        """Regions add up to England, and gross less counterfactual is net."""
        n_sums = n_differences = 0
        regional = defaultdict(list)
        for (strategy, programme, region, metric, view, to), row in cells.items():
            if region in regions and metric in ADDITIVE:
                regional[strategy, programme, "England", metric, view, to].append(row["mean"])
            if view == "net" and metric in ADDITIVE:
                gross, otherwise = (cells[strategy, programme, region, metric, v, to]["mean"] for v in VIEWS[:2])
                # A share is undefined in single replicates, which may be others in the difference.
                if metric in ADDITIVE:
                    self.assertTrue(math.isclose(row["mean"], gross - otherwise, rel_tol=1e-9,
                                                 abs_tol=1e-9 * (1 + abs(gross))), row)
                    n_differences += 1
            if metric in COUNTS and view == "gross":
                self.assertGreaterEqual(row["p05"], 0)
        for key, values in regional.items():
            self.assertEqual(len(values), len(regions), key)
            scale = 1 + sum(map(abs, values))
            self.assertTrue(math.isclose(cells[key]["mean"], math.fsum(values), abs_tol=1e-9 * scale), key)
            n_sums += 1
        self.assertGreater(n_sums, 100)
        self.assertGreater(n_differences, 400)

    def test_the_headings_of_a_run(self):
        data = self.report(program.MINIMAL, "--replicates", 30, "--seed", 5)
        version = self.uptake("--version").stdout.split()[1]
        self.assertEqual(list(data), ["schema", "scenario", "seed", "replicates", "draws", "version", "parameters", "notes",
                                      "metrics", "published", "shapley", "displacement", "outside_view"])
        self.assertEqual([data[k] for k in ("schema", "scenario", "seed", "replicates", "draws", "version")],
                         [1, "minimal", 5, 30, 30, version])
        fixed = self.report(program.MINIMAL, "--replicates", 3, "--set", "parameters=defaults", "--overwrite")
        self.assertEqual((fixed["replicates"], fixed["draws"]), (3, 1))

    def test_the_rows_of_twelve_homes(self):
        regions = ["North", "Midlands", "South"]
        data = self.report(program.MINIMAL)
        cells = self.check_rows(data, regions, ["2022-03-31", "2023-03-31"])
        self.check_sums(cells, regions)
        self.assertEqual({row["from"] for row in data["metrics"]}, {"2021-04-01"})
        self.assertEqual({row["strategy"] for row in data["metrics"]},
                         {"as-delivered", "double-facilitation", "no-network", "no-programme"})

    def test_the_rows_of_every_care_home_in_england(self):
        with open(os.path.join(program.SCENARIOS, "england", "regions.csv"), encoding="utf-8", newline="") as file:
            regions = [row["name"] for row in csv.DictReader(file)]
        self.assertEqual(len(regions), 15)
        data = self.report(program.CARE_HOMES, "--replicates", 5)
        cells = self.check_rows(data, regions, ["2023-03-31", "2026-03-31"])
        self.check_sums(cells, regions)
        self.assertEqual({row["programme"] for row in data["metrics"]}, {"care-home-deterioration"})
        at = ("care-home-deterioration", "England", "engaged")
        self.assertEqual(cells["no-network", *at, "net", "2023-03-31"]["mean"], 0, "the comparator against itself")
        self.assertEqual(cells["as-delivered", *at, "counterfactual", "2023-03-31"]["mean"],
                         cells["no-network", *at, "gross", "2023-03-31"]["mean"])
        with open(self.path("out", "summary.csv"), encoding="utf-8", newline="") as file:
            self.assertEqual(len(list(csv.reader(file))), 1 + len(data["metrics"]))

    def test_one_replicate_has_no_spread_and_says_null(self):
        done = self.uptake("run", program.MINIMAL, "-o", "out", "--json", "--replicates", 1)
        rows = strict(done.stdout)["metrics"]
        self.assertTrue(rows)
        self.assertTrue(all(row["sd"] is None and row["mcse"] is None and row["p50"] == row["mean"] for row in rows
                            if row["metric"] not in RATIOS_OF_MEANS))

    def test_a_study_and_a_comparison_take_ratios_as_a_run_does(self):
        # Means of the replicates' ratios are others: most of all where a few of the worlds gain or cost little.
        fixed = ("--replicates", 30, "--set", "parameters=defaults")
        rows = self.report(program.MINIMAL, *fixed)["metrics"]

        def row_of(metric, strategy, view):
            return next(row for row in rows if (row["metric"], row["strategy"], row["view"], row["region"], row["to"]) ==
                        (metric, strategy, view, "England", "2022-03-31"))

        for metric in ("roi_net", "attributable_share", "admissions_avoided"):
            row = row_of(metric, "as-delivered", "net")
            study = strict(self.uptake("sensitivity", program.MINIMAL, "--method", "one-way", "--metric", metric,
                                       "--replicates", 30, "--json").stdout)
            self.assertTrue(math.isclose(study["base"], row["mean"], rel_tol=1e-12), metric)
            self.assertTrue(math.isclose(study["base_error"], row["mcse"], rel_tol=1e-9), metric)
        compared = strict(self.uptake("compare", program.MINIMAL, "--baseline", "as-delivered", *fixed, "--json").stdout)
        for metric, view in (("roi_fiscal", "gross"), ("roi_net", "net")):
            found = next(row for row in compared["metrics"] if row["metric"] == metric and row["to"] == "2022-03-31" and
                         row["strategy"] == "double-facilitation")
            sides = [row_of(metric, strategy, view)["mean"] for strategy in ("double-facilitation", "as-delivered")]
            for key, value in zip(("strategy_mean", "baseline_mean", "mean"), (*sides, sides[0] - sides[1])):
                self.assertTrue(math.isclose(found[key], value, rel_tol=1e-9), (metric, key, found[key], value))

    def test_nothing_is_minus_nought_or_not_a_number(self):
        # A harmful tool: every admission is added, so that a share of 0 is 0 over a negative number.
        done = self.uptake("run", program.MINIMAL, "-o", "out", "--json", "--set", "parameters=defaults",
                           "--set", 'effect.relative_risk={value=1.3, grade="assumption"}')
        rows = strict(done.stdout)["metrics"]
        shares = [row for row in rows if row["metric"] == "attributable_share" and row["strategy"] == "no-network"]
        self.assertTrue(any(row["mean"] == 0 for row in shares), shares)
        for row in rows:
            for s in STATISTICS:
                self.assertFalse(row[s] == 0 and math.copysign(1, row[s]) < 0, f"-0 as {s} in {row}")
        for name in ("summary.csv", "summary.txt"):
            text = program.read(self.path("out", name)).decode()
            self.assertNotRegex(text, r"(?m)(^|[ ,(])-0(\.0*)?([ ,)\r]|$)|(?i:\bnan\b|\binf\b)", name)

    def test_the_cases_of_verify(self):
        done = subprocess.run([program.PROGRAM, "verify", "--json", "--threads", "2"], capture_output=True, text=True,
                              timeout=120)
        data = strict(done.stdout)
        self.assertEqual(list(data), ["schema", "cases"])
        self.assertEqual(data["schema"], 1)
        ids = {row["id"] for row in data["cases"]}
        for number in range(1, 21):
            self.assertTrue(any(i == f"V{number}" or i.startswith((f"V{number}.", f"V{number}a")) for i in ids),
                            f"V{number} is missing of {sorted(ids)}")
        for row in data["cases"]:
            self.assertLessEqual({"id", "name", "expected", "got", "tolerance", "verdict"}, set(row))
            self.assertIn(row["verdict"], ("pass", "fail"))
            self.assertTrue(all(isinstance(row[k], (int, float)) for k in ("expected", "got", "tolerance")), row)
        self.assertEqual(done.returncode, 1 if any(row["verdict"] == "fail" for row in data["cases"]) else 0)
        self.assertEqual([row["id"] for row in data["cases"] if row["verdict"] == "fail"], [])

    def test_a_dry_run_foretells_disk_and_memory_within_a_factor_of_two(self):
        for n in (200, 1000):
            words = ("run", program.MINIMAL, "--replicates", n, "--threads", 2, "--overwrite")
            told = strict(self.uptake(*words, "-o", "nothing", "--dry-run", "--json").stdout)
            self.assertFalse(os.path.exists(self.path("nothing")))
            self.assertGreater(min(told["seconds_simulating"], told["seconds_writing"]), 0)
            self.uptake(*words, "-o", "out")
            sizes = {name: os.path.getsize(self.path("out", name)) for name in os.listdir(self.path("out"))}
            with open(self.path("out", "run.json"), encoding="utf-8") as file:
                memory = json.load(file)["peak_memory_mib"] * 2**20
            for what, got in (("result_bytes", sum(sizes.values())), ("memory_bytes", memory)):
                with self.subTest(what, n=n):
                    self.assertTrue(got / 2 < told[what] < got * 2, f"{told[what]} told, {got} taken")
            # A result that cannot be put in place leaves the part file: header, text and a frame for each record.
            os.makedirs(self.path("parts", "results.h5"))
            self.uptake(*words, "-o", "parts", code=3)
            part, = os.listdir(self.path("parts", ".parts"))
            content = program.read(self.path("parts", ".parts", part))
            about = int.from_bytes(content[40:48], "little")
            self.assertEqual(len(content), 48 + about + 24 * n + told["part_file_bytes"])
            shutil.rmtree(self.path("parts"))

    def test_the_time_of_a_dry_run_does_not_follow_a_busy_machine(self):
        words = ("run", program.CARE_HOMES, "-o", "nothing", "--threads", 1, "--dry-run", "--json")
        cpu = {min(os.sched_getaffinity(0))}  # one core, which six others then want too

        def told():
            done = self.uptake(*words, preexec_fn=lambda: os.sched_setaffinity(0, cpu))
            return strict(done.stdout)["seconds_per_replicate"]
        quiet = told()
        neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                       preexec_fn=lambda: os.sched_setaffinity(0, cpu)) for _ in range(6)]
        try:
            busy = told()
        finally:
            for neighbour in neighbours:
                neighbour.kill()
                neighbour.wait()
        # On the wall it takes about seven times as long.
        self.assertLess(busy, 2.5 * quiet)

    def test_a_dry_run_of_what_is_left_knows_that_the_rest_lies_in_part_files(self):
        words = ("run", program.MINIMAL, "--replicates", 2000, "--threads", 1)
        whole = strict(self.uptake(*words, "-o", "nothing", "--dry-run", "--json").stdout)
        self.uptake(*words, "-o", "out", "--task", "0/2")
        left = strict(self.uptake(*words, "-o", "out", "--resume", "--dry-run", "--json").stdout)
        self.assertEqual((whole["replicates_to_simulate"], left["replicates_to_simulate"]), (2000, 1000))
        self.assertEqual((whole["by_cell_bytes"], left["by_cell_bytes"]), (0, whole["part_file_bytes"]))
        # They are not held in memory: that is what held replicates would take.
        self.assertGreater(whole["memory_bytes"] - left["memory_bytes"], 0.3 * whole["part_file_bytes"])

    def test_memory_is_that_of_the_program_and_not_of_who_started_it(self):
        mine = bytearray(os.urandom(1)) * 2**28
        told = strict(self.uptake("run", program.MINIMAL, "-o", "nothing", "--dry-run", "--json").stdout)
        self.uptake("run", program.MINIMAL, "-o", "out")
        with open(self.path("out", "run.json"), encoding="utf-8") as file:
            taken = json.load(file)["peak_memory_mib"] * 2**20
        for memory in (told["memory_bytes"], taken):
            self.assertTrue(2**24 < memory < len(mine) / 2, memory)

    def test_a_dry_run_of_a_task_is_about_its_share_alone(self):
        words = ("run", program.MINIMAL, "--replicates", 2000, "-o", "nothing", "--dry-run")
        whole = strict(self.uptake(*words, "--json").stdout)
        task = strict(self.uptake(*words, "--json", "--task", "3/20").stdout)
        self.assertEqual((task["replicates_to_simulate"], task["part_file_bytes"]), (100, whole["part_file_bytes"] / 20))
        self.assertEqual((task["by_cell_bytes"], task["result_bytes"], task["seconds_writing"]), (0, 0, 0))
        self.assertLess(task["memory_bytes"], whole["memory_bytes"])
        text = self.uptake(*words, "--task", "3/20", "--threads", 1).stdout
        self.assertIn("would simulate 100 of 2,000 replicates of 4 strategies and 12 organisations on 1 thread\n", text)
        self.assertIn(" of part files of task 3 of 20, for `merge` to make results of\n", text)
        self.assertNotIn("writing", text)

    def test_a_dry_run_warns_where_the_disk_has_no_room(self):
        words = ("run", program.MINIMAL, "-o", "disk/out", "--dry-run", "--json")
        os.mkdir(self.path("disk"))
        plenty = self.uptake(*words)
        self.assertEqual(plenty.stderr, "")
        self.assertGreater(strict(plenty.stdout)["room_bytes"], 2**20)
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", self.path("disk")]).returncode:
            self.skipTest("no right to mount")
        command = " ".join(map(str, (program.PROGRAM, *words)))
        for options, warning in (("size=1m", "there is room for 1.0 MB, and this takes "),
                                 ("size=1m,ro", "cannot be written to (Read-only file system)")):
            done = subprocess.run(["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o {options} none disk && {command}"],
                                  cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"warning: {os.path.realpath(self.path('disk'))}: {warning}", done.stderr)
            self.assertEqual(strict(done.stdout)["room_bytes"], 2**20)

    def test_a_dry_run_leaves_nothing_and_says_when_it_has_no_room(self):
        os.mkdir(self.path("trial"))
        words = ("run", program.MINIMAL, "-o", "nothing", "--dry-run")
        self.uptake(*words, env={**os.environ, "TMPDIR": self.path("trial")})
        self.assertEqual(os.listdir(self.path("trial")), [])
        refused = self.uptake(*words, code=3, env={**os.environ, "TMPDIR": self.path("no-such")})
        self.assertIn("cannot make a folder for a trial (No such file or directory); say with TMPDIR where there is room", refused.stderr)

    def test_the_other_commands(self):
        promised = {
            ("validate", program.MINIMAL, program.CARE_HOMES): ["schema", "files"],
            ("params",): ["schema", "parameters"],
            ("params", program.MINIMAL): ["schema", "scenario", "parameters"],
            ("info", "--population"): ["schema", "organisations", "vintage", "marginals"],
            ("list",): ["schema", "scenarios", "runs"],
            ("list", "--programmes"): ["schema", "programmes"],
            ("list", "--outcomes"): ["schema", "outcomes"],
            ("list", "--regions"): ["schema", "regions"],
            ("licences",): ["schema", "licence", "notice"],
        }
        for words, keys in promised.items():
            with self.subTest(words):
                data = strict(self.uptake(*words, "--json").stdout)
                self.assertEqual(list(data), keys)
                self.assertEqual(data["schema"], 1)
        for row in strict(self.uptake("params", "--json").stdout)["parameters"]:
            self.assertLessEqual({"key", "unit", "lowest", "highest", "default", "prior", "grade", "source"}, set(row))
        for row in strict(self.uptake("list", "--programmes", "--json").stdout)["programmes"]:
            self.assertLessEqual({"name", "evidence", "eligible", "outcome", "commissioned", "published"}, set(row))
            self.assertTrue(row["outcome"] != "none" or row["no_outcome_note"], row)
        for row in strict(self.uptake("list", "--outcomes", "--json").stdout)["outcomes"]:
            self.assertTrue(row["dimensions"] and row["meaning"], row)
        self.assertTrue(all(row["holds"] for row in
                            strict(self.uptake("info", "--population", "--json").stdout)["marginals"]))
        files = strict(self.uptake("validate", "nowhere.toml", program.MINIMAL, "--json", code=3).stdout)["files"]
        self.assertEqual([row["valid"] for row in files], [False, True])
        self.assertEqual(set(files[0]["problems"][0]), {"where", "what", "suggestion"})
        # The record lies beside the scenarios: it can be checked, and neither listed as one nor run.
        self.assertIn("17 programmes, 27 series, 44 observations to fit to", self.uptake("validate", "history").stdout)
        self.assertFalse([row for row in strict(self.uptake("list", "--json").stdout)["scenarios"]
                          if row["file"].endswith("history.toml")])
        self.assertIn("is a record of past programmes, not a scenario", self.uptake("run", "history", code=2).stderr)
        # From any folder scenarios are listed by names that commands take, in columns that stand apart.
        listed = strict(self.uptake("list", "--json").stdout)["scenarios"]
        os.makedirs(self.path("a", "folder", "far", "away"))
        lines = self.uptake("list", cwd=self.path("a", "folder", "far", "away")).stdout.split("runs in")[0].splitlines()[1:]
        widest = max(len(row["name"]) for row in listed)
        self.assertEqual(lines, [f"  {row['name']:<{widest}}  {row['title']}" for row in listed])
        self.assertLessEqual({"care-homes", "what-if/most-deprived-first"}, {row["name"] for row in listed})
        for row in listed[::12] + listed[-1:]:
            self.assertEqual(self.uptake("params", row["name"]).returncode, 0)
        self.uptake("run", program.MINIMAL, "--replicates", 2)
        runs = strict(self.uptake("list", "--json").stdout)["runs"]
        self.assertEqual([(row["folder"], row["run"]["replicates"]) for row in runs], [(os.path.realpath(self.path("results", "minimal")), 2)])
        # What a script reads here it can pass on from anywhere.
        elsewhere = self.path("a", "folder")
        self.assertEqual(self.uptake("report", runs[0]["folder"], cwd=elsewhere).returncode, 0)
        for row in listed[::12]:
            self.assertTrue(os.path.isabs(row["file"]), row)
            self.assertEqual(self.uptake("validate", row["file"], cwd=elsewhere).returncode, 0)


program.main()
