"""`uptake compare` as people and programs use it. Usage: compare_test.py PROGRAM SOURCE_FOLDER"""

import csv
import html
import json
import os
import re
import shlex
import shutil

import h5py
import numpy as np

import portfolio
import program

PORTFOLIO = portfolio.two_tools('''replicates = 40
focus = "North"
''', '''
[[published]]
metric = "admissions_avoided"
region = "South"
to = 2022-03-31
value = 0.5
source = "S42"
note = "counts, \\"roughly\\""
''')


class Compare(program.ProgramTest):
    maxDiff = None

    def compare(self, *words):
        return json.loads(self.uptake("compare", *words, "--json").stdout)

    def portfolio(self, name="portfolio.toml", text=PORTFOLIO):
        folder = self.path("minimal")
        if not os.path.exists(folder):
            shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), folder)
            tool = program.read(self.path("minimal", "example-tool.toml")).decode()
            program.write(self.path("minimal", "second-tool.toml"),
                          tool.replace('name = "example-tool"', 'name = "second-tool"'))
        program.write(self.path(name), text)
        return self.path(name)

    def test_an_order_that_finds_no_gap_to_close_is_said_to(self):
        self.uptake("compare", "what-if/most-deprived-first", "--replicates", 20, "-o", "out", "--quiet")
        page = html.unescape(program.read(self.path("out", "compare.html")).decode())
        row = next(r for r in json.loads(program.read(self.path("out", "compare.json")))["metrics"]
                   if r["metric"] == "deprivation_gap" and r["strategy"] == "most-deprived-first")
        self.assertTrue(abs(row["baseline_mean"]) < 0.01 and row["mean"] > max(0.005, 3 * row["mcse"]), row)
        said = re.findall(r"so there is no gap to close: “(.*?)” puts it ([\d.]+) points ahead", page)
        self.assertEqual(said[0], ("most-deprived-first", f"{100 * row['strategy_mean']:.1f}"))
        self.assertNotIn("same-packages", [name for name, _ in said], "whose gap is that of the baseline")

    def test_a_drawing_writes_numbers_as_its_table_and_the_terminal_do(self):
        said = self.uptake("compare", "what-if/facilitation-halved", "--set", "focus=EMID", "--replicates", 6, "-o",
                           "out").stdout
        text = program.read(self.path("out", "compare.html")).decode()
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1).replace("<\\/", "</"))
        table = html.unescape(text).split('<section id="difference-1"')[1].split("</table>")[0]
        rows = {name: re.findall(r"<td[^>]*>(.*?)</td>", cells)
                for name, cells in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table.replace("<wbr>", ""), re.S)}
        drawn = {figure["label"].removesuffix(": difference to the baseline"): figure["rows"][0]
                 for figure in data["forests"]}
        self.assertGreater(len(drawn), 6)
        small = 0
        for label, bar in drawn.items():
            self.assertEqual(rows[label][0], bar["text"], label)
            if "GBP" in label:
                self.assertIn(f" {bar['text']} ", said, label)
                small += bool(re.fullmatch(r"-?0\.0\d\d", bar["text"]))  # where two decimals leave one digit
        self.assertGreater(small, 0)

    def test_legends_are_of_what_is_there(self):
        gap = "Deprivation gap: share in use among"
        whole = self.uptake("run", program.MINIMAL, "-o", "whole", "--replicates", 20).stdout
        part = self.uptake("run", program.MINIMAL, "-o", "part", "--replicates", 20, "--set", "focus=North").stdout
        self.assertRegex(whole, r"(?m)^  deprivation gap")
        self.assertNotRegex(part, r"(?m)^  deprivation gap")
        absent = "Months sooner and the deprivation gap are measured of the whole population alone"
        self.assertIn(absent, " ".join(part.split()))
        self.assertNotIn(absent, " ".join(whole.split()))
        for folder, said in (("whole", whole), ("part", part)):
            for text in (said, self.uptake("compare", folder).stdout):
                self.assertEqual(gap in " ".join(text.split()), folder == "whole", text)
            self.assertIn("Without = the same random worlds under no-network; net =", " ".join(said.split()))
        # What is net in itself is not called gross, by the metric's own word: of a part the months are not given.
        net = "would have happened anyway is in both. Net, each side against its own comparator: "
        for folder, names, labels in (
                ("whole", "added cash per added GBP; months sooner.",
                 "Added cash per added pound; Months sooner; Share of the levels reached that the comparator has not reached by then; "
                 "Organisations ever in use that otherwise would not be by then; "
                 "Chance that the benefit would be smaller by a fifth or more."),
                ("part", "added cash per added GBP.",
                 "Added cash per added pound; Organisations ever in use that otherwise would not be by then; "
                 "Chance that the benefit would be smaller by a fifth or more.")):
            said = self.uptake("compare", folder, "-o", folder + "-side").stdout
            self.assertIn(net + names, " ".join(said.split()))
            self.assertIn(net + labels, program.read(self.path(folder + "-side", "compare.html")).decode())
        cost = self.uptake("compare", "whole", "--metric", "cost_gbp").stdout
        self.assertNotIn("Net, each side", cost)
        several = self.uptake("run", self.portfolio(), "-o", "several", "--replicates", 20).stdout
        self.assertIn("\n\nPublished figures beside the result", several)
        for said in (whole, part, several):
            self.assertNotIn("\n\n\n", said)

    def test_a_long_title_without_a_blank_is_cut_between_characters(self):
        scenario = self.portfolio(text=portfolio.two_tools("replicates = 4"))
        title = "Frühwarnsystem" * 4
        for tool in ("example-tool", "second-tool"):
            text = program.read(self.path("minimal", f"{tool}.toml")).decode()
            program.write(self.path("minimal", f"{tool}.toml"), text.replace('"Example tool"', f'"{title}"'))
        self.uptake("run", scenario, "-o", "out", "--quiet")
        page = html.unescape(program.read(self.path("out", "report.html")).decode())
        self.assertIn(title.encode()[:40].decode(errors="ignore") + "…", page)

    def test_a_scenario_and_its_results_compare_alike(self):
        self.uptake("run", program.MINIMAL, "-o", "out", "--replicates", 50)
        simulated = self.compare(program.MINIMAL, "--replicates", 50, "--threads", 1)
        read = self.compare("out")
        self.assertEqual([k for k in simulated],
                         ["schema", "scenario", "seed", "replicates", "version", "runs", "notes", "metrics", "targets",
                          "displacement", "shapley"])
        self.assertEqual(simulated["replicates"], 50)
        for row in read["metrics"]:
            row["run"] = row["baseline_run"] = "minimal"
        self.assertEqual(len(simulated["metrics"]), len(read["metrics"]))
        for a, b in zip(simulated["metrics"], read["metrics"]):  # a file keeps the digits of 32-bit floats
            scale = abs(a["strategy_mean"]) + abs(a["baseline_mean"]) + a["sd"]
            self.assertEqual({k: v for k, v in a.items() if not isinstance(v, float)},
                             {k: v for k, v in b.items() if not isinstance(v, float)})
            for name in ("mean", "sd", "p05", "p95", "strategy_mean"):
                self.assertAlmostEqual(a[name], b[name], delta=1e-5 * scale, msg=str(a))
            if a["unit"] == "organisations":
                self.assertEqual(a, b)
        self.assertEqual({(r["strategy"], r["baseline"]) for r in read["metrics"]}, {("double-facilitation", "as-delivered")})
        self.assertEqual(simulated, self.compare(program.MINIMAL, "--replicates", 50, "--threads", 2))
        # The differences are those of the run's own means, and no other's.
        rows = {}
        with open(self.path("out", "summary.csv"), encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["view"] == "gross" and row["region"] == "England":
                    rows[row["strategy"], row["metric"], row["to"]] = float(row["mean"])
        n = 0
        for row in read["metrics"]:
            key = (row["metric"], row["to"])
            if row["unit"] == "organisations" and ("as-delivered", *key) in rows:
                expected = rows["double-facilitation", *key] - rows["as-delivered", *key]
                self.assertAlmostEqual(row["mean"], expected, places=9)
                self.assertAlmostEqual(row["mean"], row["strategy_mean"] - row["baseline_mean"], places=9)
                n += 1
        self.assertGreaterEqual(n, 10)

    def test_the_same_run_differs_in_nothing_and_another_seed_is_refused(self):
        self.uptake("run", program.MINIMAL, "-o", "out", "--replicates", 20)
        same = self.compare("out", "minimal", "--replicates", 10)
        self.assertEqual(same["replicates"], 10)
        self.assertEqual({(row["mean"], row["p_better"], row["p_worse"]) for row in same["metrics"]}, {(0, 0, 0)})
        longer = self.compare("out", "minimal")
        self.assertEqual(longer["notes"], ["out has 20 replicates and minimal has 200: the first 20 of each are compared"])
        self.uptake("run", program.MINIMAL, "-o", "other", "--replicates", 20, "--seed", 5)
        self.assertIn("cannot be paired: their seeds are 20180401 and 5",
                      self.uptake("compare", "out", "other", code=2).stderr)

    def test_what_ifs_that_start_from_one_delivery_are_compared_by_what_they_add(self):
        text = program.read(program.MINIMAL).decode()
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        program.write(self.path("halved.toml"), text.replace("double-facilitation", "half").replace("factor = 2", "factor = 0.5"))
        both = self.compare(program.MINIMAL, "halved.toml", "--replicates", 20)
        self.assertEqual({(r["strategy"], r["run"], r["baseline"], r["baseline_run"]) for r in both["metrics"]},
                         {("double-facilitation", "minimal", "as-delivered", "minimal"), ("half", "halved", "as-delivered", "minimal")})
        self.assertEqual(both["notes"], ['"as-delivered" is the same in every world of these runs: what they add to it is compared'])
        alone = self.compare("halved.toml", "--replicates", 20)
        mean = lambda data, strategy: [r["mean"] for r in data["metrics"] if r["strategy"] == strategy]  # noqa: E731
        self.assertEqual(mean(both, "half"), mean(alone, "half"))
        named = self.compare(program.MINIMAL, "halved.toml", "--replicates", 20, "--baseline", "as-delivered")
        self.assertEqual({r["mean"] for r in named["metrics"]}, {0})

    def test_baseline_targets_and_variance(self):
        data = self.compare(program.MINIMAL, "--replicates", 60, "--baseline", "no-network", "--variance", "--metric",
                            "ever_adopted", "--target", "ever_adopted>=1@2022-03-31", "--target", "cost_gbp<=0@2023-03-31")
        self.assertEqual({r["strategy"] for r in data["metrics"]}, {"as-delivered", "double-facilitation"})
        self.assertEqual({r["metric"] for r in data["metrics"]}, {"ever_adopted"})
        for row in data["metrics"]:
            self.assertAlmostEqual(row["variance"]["paired"], row["sd"] ** 2, places=9)
            self.assertGreater(row["variance"]["reduction"], 1.5, row)
        chances = {(t["target"], t["strategy"]): t["p_met"] for t in data["targets"]}
        self.assertEqual(len(chances), 6)
        self.assertLess(chances["ever_adopted>=1@2022-03-31", "no-network"],
                        chances["ever_adopted>=1@2022-03-31", "as-delivered"])
        self.assertEqual(chances["cost_gbp<=0@2023-03-31", "as-delivered"], 0)
        table = self.uptake("compare", program.MINIMAL, "--replicates", 20, "--variance").stdout
        self.assertIn("times the variance of these pairs", table)
        self.assertLessEqual(max(map(len, table.splitlines())), 80)

    def test_bad_requests_say_what_is_wrong(self):
        self.uptake("run", program.MINIMAL, "-o", "out", "--replicates", 5)
        for words, code, what in [
            (["absent"], 3, "absent: is neither a file nor the name of a shipped scenario"),
            (["minimal", "--metric", "adoptrs"], 2, 'did you mean "adopters"?'),
            (["minimal", "--baseline", "as-deliverd"], 2, 'did you mean "as-delivered"?'),
            (["minimal", "--target", "adopters>=1@2022-01-01"], 2, "2022-01-01 is no report date of minimal"),
            (["out", "--seed", "3"], 2, "is a result, which --set and --seed cannot change"),
            (["out", "--variance"], 2, "runs the baseline again"),
            (["out", "--replicates", "6"], 2, "holds 5 replicates, fewer than the 6 asked for"),
            (["out", "--shapley"], 2, "holds no worlds without its drivers"),
            (["."], 3, "results.h5: does not exist"),
        ]:
            done = self.uptake("compare", *words, code=code)
            self.assertIn(what, done.stderr, words)
            self.assertEqual(done.stdout, "")
        whole = program.read(self.path("out", "results.h5"))
        program.write(self.path("out", "results.h5"), whole[:len(whole) // 2])
        self.assertIn("is no readable result of uptake", self.uptake("compare", "out", code=3).stderr)

    def test_results_of_another_shape_are_refused(self):
        self.uptake("run", program.MINIMAL, "-o", "out", "--replicates", 5)
        whole = program.read(self.path("out", "results.h5"))

        def replace(file, name, data):
            del file[name]
            file[name] = data

        def claim(file, name, shape, kind):  # nothing is stored, so that the file stays small
            del file[name]
            file.create_dataset(name, shape, kind, chunks=tuple(min(n, 100) for n in shape))

        for change in (lambda file: file.attrs.__setitem__("results_format", 99),
                       lambda file: file.attrs.__delitem__("results_format"),
                       lambda file: file.__delitem__("replicates"),
                       lambda file: file.__delitem__("provenance/seed"),
                       lambda file: replace(file, "provenance/seed", "many"),
                       lambda file: replace(file, "replicates/report_to", [1, 2, 3]),
                       lambda file: replace(file, "replicates/region", [1, 2]),
                       lambda file: replace(file, "replicates/adopters", "none"),
                       lambda file: replace(file, "replicates/adopters", [[1.0, 2.0]]),
                       lambda file: file.attrs.__setitem__("results_format", [2, 2]),
                       lambda file: file.attrs.__setitem__("source", np.array([b"uptake 1"] * 9)),
                       lambda file: replace(file, "provenance/scenario", ["two", "names"]),
                       lambda file: replace(file, "replicates/report_to", [1e300, 1e300]),
                       lambda file: claim(file, "provenance/scenario", (1001, 1000), h5py.string_dtype()),
                       lambda file: claim(file, "provenance/seed", (10**6, 10**6), "u8"),
                       lambda file: claim(file, "replicates/replicate", (10**7,), "i4")):
            program.write(self.path("out", "results.h5"), whole)
            with h5py.File(self.path("out", "results.h5"), "r+") as file:
                change(file)
            self.assertIn("is no readable result of uptake", self.uptake("compare", "out", code=3).stderr)
        program.write(self.path("out", "results.h5"), whole)
        with h5py.File(self.path("out", "results.h5"), "r+") as file:
            del file["replicates/adopters"]
        self.assertNotIn("adopters", {row["metric"] for row in self.compare("out")["metrics"]})

    def test_a_portfolio_with_its_split_figures_and_focus(self):
        scenario = self.portfolio()
        done = self.uptake("run", scenario, "-o", "out", "--json")
        data = json.loads(done.stdout)
        self.assertEqual(data["metrics"][0]["region"], "North")
        self.assertEqual([(f["region"], f["to"], f["model_to"]) for f in data["published"]],
                         [("England", "2022-03-15", "2022-02-28"), ("South", "2022-03-31", "2022-03-31")])
        of_south = next(r for r in data["metrics"] if (r["strategy"], r["programme"], r["region"], r["metric"], r["view"],
                                                       r["to"]) == ("as-delivered", "all", "South", "admissions_avoided",
                                                                    "gross", "2022-03-31"))
        self.assertAlmostEqual(data["published"][1]["gross"]["mean"], of_south["mean"], places=12)
        # Each programme beside England and the focus; every region for all together.
        places = {}
        for row in data["metrics"]:
            places.setdefault(row["programme"], set()).add(row["region"])
        self.assertEqual(places, {"example-tool": {"North", "England"}, "second-tool": {"North", "England"},
                                  "all": {"North", "England", "Midlands", "South"}})
        with open(self.path("out", "published.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([r["note"] for r in rows], ["", 'counts, "roughly"'])
        text = program.read(self.path("out", "summary.txt")).decode()
        # Whose source states no beginning is given none, and what was compared is said.
        self.assertEqual([(f["from"], f["model_from"]) for f in data["published"]], [(None, None), (None, "2021-04-01")])
        self.assertEqual([(r["from"], r["model_from"]) for r in rows], [("", ""), ("", "2021-04-01")])
        self.assertIn("to 2022-03-31 (the source gives no start), South; model: 2021-04-01 to 2022-03-31; S42",
                      " ".join(text.split()))
        self.uptake("export", "out", "--csv")
        self.assertEqual(program.read(self.path("out", "csv", "published.csv")), program.read(self.path("out", "published.csv")))
        self.assertIn("as-delivered, all, North", text)
        self.assertIn("Published figures beside the result", text)
        self.assertIn("Lost to competition for attention", text)
        self.assertIn("second-tool", text)
        # The worlds of the split are kept, and their values add up.
        cells = {}
        for row in data["shapley"]:
            cells.setdefault((row["programme"], row["metric"], row["to"]), {})[row["driver"]] = row["mean"]
        self.assertGreater(len(cells), 40)
        for key, split in cells.items():
            total = split.pop("together")
            self.assertEqual(list(split), ["effort", "incentive", "shock"])
            self.assertAlmostEqual(sum(split.values()), total, delta=1e-9 * (1 + abs(total)), msg=str(key))
        means = {(r["strategy"], r["metric"]): r["mean"] for r in data["metrics"]
                 if (r["programme"], r["region"], r["view"], r["to"]) == ("all", "North", "gross", "2023-03-31")}
        together = means["as-delivered", "ever_adopted"] - means["without-effort-incentive-shock", "ever_adopted"]
        split = cells["all", "ever_adopted", "2023-03-31"]
        self.assertAlmostEqual(sum(split.values()), together, places=9)
        # The page has the split, what was lost and the published figures, in the same numbers.
        page = program.read(self.path("out", "report.html")).decode()

        def rows_of(section):
            text = page.split(f'<section id="{section}"')[1].split("</section>")[0]
            rows = (re.findall(r"<t[hd].*?</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", text))
            return {re.sub("<.*?>", "", cells[0]): [re.sub("<.*?>", "", cell) for cell in cells[1:]] for cells in rows if cells}

        rows = rows_of("split")
        shown = lambda text: float(text.replace(",", ""))  # noqa: E731
        for driver, value in cells["all", "ever_adopted", "2022-03-31"].items():
            self.assertAlmostEqual(shown(rows[f"Organisations ever in use: {driver}"][0]), value,
                                   delta=0.006 + 0.006 * abs(value))
        lost = next(r for r in data["displacement"] if (r["programme"], r["metric"], r["to"]) ==
                    ("all", "ever_adopted", "2022-03-31"))
        self.assertAlmostEqual(shown(rows_of("displacement")["Organisations ever in use"][0]), lost["mean"],
                               delta=0.006 + 0.006 * abs(lost["mean"]))
        figure = data["published"][0]
        row = next(r for name, r in rows_of("published").items() if
                   re.fullmatch(r"(all: )?Organisations ever in use, the population .* \(12 organisations, 3 regions\)", name))
        self.assertEqual(row[0], "5")
        self.assertIn(">to 31 Mar 2022; the source gives no start (model: 1 Apr 2021 to 31 Mar 2022)<", page)
        self.assertAlmostEqual(shown(row[1]), figure["gross"]["mean"], delta=0.006 * max(1, figure["gross"]["mean"]))
        self.assertAlmostEqual(shown(row[3]), figure["gross"]["mean"] / 5, delta=0.006)
        # compare shows the same split from the scenario and from the results.
        compared = self.compare(scenario, "--shapley")
        self.assertEqual(compared["shapley"], data["shapley"])
        self.assertEqual({r["region"] for r in compared["metrics"]}, {"North"})
        self.assertEqual({r["strategy"] for r in compared["metrics"]}, {"apart", "more-of-one"})
        lost = {r["programme"] for r in compared["displacement"] if r["cause"] == "strategy"}
        self.assertEqual(lost, {"example-tool"})
        self.assertEqual(self.compare("out", "--shapley")["shapley"][0]["region"], "North")  # the focus of the results
        # A figure that changes is another result.
        self.portfolio(text=PORTFOLIO.replace("value = 5\n", "value = 6\n"))
        self.assertIn("holds another result", self.uptake("run", scenario, "-o", "out", code=2).stderr)

    def test_the_page_says_what_the_json_says_and_is_not_replaced_unasked(self):
        words = (program.MINIMAL, "--replicates", 40, "--target", "ever_adopted>=4@2022-03-31", "-o", "side")
        data = self.compare(*words)
        self.assertEqual(json.loads(program.read(self.path("side", "compare.json"))), data)
        page = program.read(self.path("side", "compare.html")).decode()
        self.assertLess(len(page.encode()), 400_000)
        self.assertNotRegex(page.split("<script", 1)[0], r"url\(|@import|src=")
        rows = [re.findall(r"<t[hd].*?</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
        rows = [[re.sub("<.*?>", "", cell) for cell in cells] for cells in rows]
        first = next(r for r in data["metrics"] if r["metric"] == "ever_adopted")
        row = next(r for r in rows if r[0] == "Organisations ever in use" and len(r) == 7)
        for shown, key in zip((row[1], *row[3:5]), ("mean", "baseline_mean", "strategy_mean")):
            self.assertAlmostEqual(float(shown.replace(",", "")), first[key], delta=0.006 * max(1, abs(first[key])))
        chances = {t["strategy"]: t["p_met"] for t in data["targets"]}
        target = next(r for r in rows if r[0].startswith("ever_adopted"))
        for shown, chance in zip(target[1:], chances.values()):
            self.assertIn(f"{100 * chance:.0f} %" if 0 < chance < 1 else "40 worlds", shown)
        command = html.unescape(re.search(r"<pre [^>]*>(.*?)</pre>", page).group(1)).split()[1:]
        self.assertEqual(command[0], "compare")
        shown = html.unescape(re.search(r"<pre [^>]*>(.*?)</pre>", page).group(1))
        self.uptake(*shlex.split(shown)[1:], "-o", self.path("again"), "--quiet")
        self.assertEqual(program.read(self.path("again", "compare.html")).decode(), page)
        self.assertIn("is already there", self.uptake("compare", *words, code=2).stderr)
        self.assertIn("compare.html and compare.json in side\n", self.uptake("compare", *words, "--overwrite").stderr)
        self.assertEqual(self.uptake("compare", *words, "--overwrite", "--quiet").stderr, "")
        self.assertEqual(program.read(self.path("side", "compare.html")).decode(), page)

    def test_a_run_that_is_compared_with_itself_is_named(self):
        self.uptake("run", program.MINIMAL, "--replicates", 5, "-o", "one")
        self.uptake("run", program.MINIMAL, "--replicates", 5, "-o", "two")
        self.uptake("run", program.MINIMAL, "--replicates", 5, "--set", "bass.q=0.9/year", "-o", "other")
        said = "warning: {}: holds the same values as {}; their differences are 0\n"
        self.assertEqual(self.uptake("compare", "one", "one").stderr.count(said.format("one", "one")), 1)
        self.assertEqual(self.uptake("compare", "one", "two").stderr.count(said.format("two", "one")), 1)
        self.assertNotIn("same values", self.uptake("compare", "one", "other").stderr)
        self.assertNotIn("same values", self.uptake("compare", "one", "two", "--quiet").stderr)

    def test_bad_figures_are_reported_at_once(self):
        text = PORTFOLIO.replace('"ever_adopted"', '"ever_adoptd"')
        self.assertIn('portfolio.toml:14:10: a published figure names an unknown metric "ever_adoptd"; did you mean',
                      self.uptake("run", self.portfolio(text=text), code=2).stderr)
        text = PORTFOLIO.replace('"South"', '"Sooth"').replace('"North"', '"Nroth"')
        errors = self.uptake("run", self.portfolio(text=text), code=2).stderr
        self.assertRegex(errors, r'portfolio.toml:\d+:9: no region is called "Nroth" in this population; did you mean "North"\?')
        self.assertIn('portfolio.toml:21:10: no region is called "Sooth" in this population; did you mean "South"?', errors)

    def test_every_misspelt_name_is_said_at_once_and_before_anything_is_simulated(self):
        text = PORTFOLIO.replace('"South"', '"Sooth"')
        errors = self.uptake("compare", self.portfolio(text=text), program.MINIMAL, "--metric", "adoptrs", "--target",
                             "ever_adoptd>=1@2022-03-31", "--target", "adopters>=1@soon", code=2).stderr.splitlines()
        self.assertEqual(len(errors), 4, errors)
        for line, said in zip(errors, ('--metric adoptrs: is no metric; did you mean "adopters"?',
                                       'names an unknown metric "ever_adoptd"; did you mean "ever_adopted"?',
                                       '"soon" is not a date', 'no region is called "Sooth" in this population')):
            self.assertIn(said, line)
        errors = self.uptake("compare", program.MINIMAL, "--replicates", 1000000, "--baseline", "as-deliverd", "--target",
                             "exmple-tool:adopters>=1@2022-03-30", code=2, timeout=10).stderr.splitlines()
        self.assertEqual(len(errors), 3, errors)
        for line, said in zip(errors, ('has no strategy "as-deliverd"; did you mean "as-delivered"?',
                                       'has no programme "exmple-tool"; did you mean "example-tool"?',
                                       "2022-03-30 is no report date of minimal")):
            self.assertIn(said, line)
        errors = self.uptake("sensitivity", self.portfolio(text=text), "--method", "one-way", "--metric", "adoptrs", code=2)
        self.assertEqual(errors.stderr.count("did you mean"), 2, errors.stderr)
        # A return of one world has no net to study: told before anything is simulated.
        refused = self.uptake("sensitivity", program.MINIMAL, "--method", "one-way", "--metric", "roi_fiscal",
                              "--replicates", 100000, code=2, timeout=10).stderr
        self.assertIn("says nothing of a difference; choose roi_net", refused)

    def test_few_pairs_are_said_to_be_few(self):
        few = "pairs of worlds: too few for intervals and chances to mean much"
        for n, is_few in ((19, True), (20, False)):
            said = self.uptake("compare", program.MINIMAL, "--replicates", n, "-o", f"few-{n}").stdout
            self.assertEqual(few in " ".join(said.split()), is_few, said)
            with open(self.path(f"few-{n}", "compare.html"), encoding="utf-8") as page:
                self.assertEqual(few in page.read(), is_few)


program.main()
