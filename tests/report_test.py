"""The page of a run in a real browser: marks are counted, the slider is moved, and nothing leaves the machine.

Usage: report_test.py PROGRAM SOURCE_FOLDER
"""

import csv
import ctypes
import html.parser
import json
import os
import re
import shutil
import struct
import time
import unittest

import h5py
import numpy as np

import program

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None


class Outline(html.parser.HTMLParser):
    """Headings, tables and what the page would load."""

    def __init__(self):
        super().__init__()
        self.headings, self.loads, self.ids, self.links = [], [], [], []
        self.lang, self.labels, self.inputs, self.regions, self.tags = None, [], [], [], []
        self.heads_without_scope, self.rows_without_head, self.row = 0, 0, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        if tag == "tr":
            self.row = False
        if tag == "th":
            self.row = True
            self.heads_without_scope += given.get("scope") not in ("row", "col")
        if given.get("role") == "region":
            self.regions.append(given)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag in ("img", "iframe", "link", "object", "embed", "source") or (tag == "script" and "src" in given):
            self.loads.append((tag, given))
        if tag == "html":
            self.lang = given.get("lang")
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given.get("href"))
        if tag == "label":
            self.labels.append(given.get("for"))
        if tag in ("input", "select"):
            self.inputs.append(given.get("id"))

    def handle_endtag(self, tag):
        if tag == "tr":
            self.rows_without_head += not self.row


def luminance(colour):
    """Relative luminance of #rrggbb or #rgb (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * d for d in colour[1:])
    parts = [int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Page(program.ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scenario = program.read(program.MINIMAL).decode()

    def made(self, *more):
        self.uptake("run", program.MINIMAL, "-o", self.path("out"), "--quiet", *more)
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            return file.read()

    def led_by(self, name, strategies):
        """Writes NAME.toml: the smallest scenario with other strategies."""
        head = program.read(program.MINIMAL).decode().split("[[strategy]]")[0]
        program.write(self.path(name + ".toml"), head.replace('"minimal', f'"{program.SCENARIOS}/minimal') + strategies)

    def test_is_one_file_that_loads_nothing_and_is_well_outlined(self):
        text = self.made()
        self.assertLess(len(text.encode()), 1_000_000)
        page = Outline()
        page.feed(text)
        self.assertEqual(page.loads, [])
        self.assertNotRegex(text.split("<script", 1)[0], r"url\(|@import")
        self.assertEqual(page.lang, "en-GB")
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertEqual(page.headings.count(1), 1)
        for before, after in zip(page.headings, page.headings[1:]):
            self.assertLessEqual(after, before + 1, "no level of headings is skipped")
        for link in page.links:
            self.assertTrue(link.startswith("#") and link[1:] in page.ids, link)
        for name in page.inputs:
            self.assertIn(name, page.labels)
        self.assertEqual([page.tags.count(tag) for tag in ("header", "main", "nav", "footer")], [1, 1, 1, 1])
        self.assertEqual(page.tags.count("table"), page.tags.count("caption"))
        self.assertEqual((page.heads_without_scope, page.rows_without_head), (0, 0))
        self.assertEqual(len(page.regions), page.tags.count("table") + page.tags.count("pre"))
        self.assertEqual(len({region["aria-label"] for region in page.regions}), len(page.regions), "landmarks differ")
        for region in page.regions:  # what scrolls can be reached by keyboard and has a name
            self.assertTrue(region["tabindex"] == "0" and region["aria-label"])
        self.assertIn("not a product of the NHS", text)
        self.assertIn("Open Government Licence", text)

    def test_colours_of_text_and_lines_stand_out(self):
        read = lambda name: program.read(os.path.join(program.SOURCE, "analysis", "report", "page", name)).decode()  # noqa: E731
        named = dict(re.findall(r"--(\w+): (#\w+)", read("page.css")))
        for text in ("blue", "dark", "grey", "green", "pink"):
            self.assertGreaterEqual(contrast(named[text], "#ffffff"), 4.5, text)
        for text in ("grey", "blue"):
            self.assertGreaterEqual(contrast(named[text], named["pale"]), 4.5, text)
        ink = dict(re.findall(r"(\w+): \"(#\w+)\"", read("draw.js")))
        for mark in ("own", "other", "net", "observed", "ink"):
            self.assertGreaterEqual(contrast(ink[mark], "#ffffff"), 4.5, mark)
        self.assertLess(contrast("#ed8b00", "#ffffff"), 3, "the check would refuse orange")

    def test_says_what_the_results_say(self):
        text = self.made()
        with open(self.path("out", "summary.json"), encoding="utf-8") as file:
            rows = json.load(file)["metrics"]
        metric = "admissions_avoided"
        net = next(r for r in rows if r["metric"] == metric and r["view"] == "net" and r["region"] == "England")
        finding = re.search(r'<p class="finding">(.*?)</p>', text).group(1)
        numbers = [float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?", finding)]
        self.assertTrue(any(abs(n - abs(net["mean"])) <= 0.006 * abs(net["mean"]) + 0.006 for n in numbers), finding)

    def test_money_is_in_millions_and_headings_say_what_was_found(self):
        self.uptake("run", program.CARE_HOMES, "--replicates", "6", "-o", "out", "--quiet")
        text = program.read(self.path("out", "report.html")).decode()
        with open(self.path("out", "summary.json"), encoding="utf-8") as file:
            rows = json.load(file)["metrics"]
        mean = lambda metric, view, to: next(  # noqa: E731
            r["mean"] for r in rows if (r["metric"], r["view"], r["region"], r["strategy"], r["to"]) ==
            (metric, view, "England", "as-delivered", to))
        heading = lambda section: re.search(rf'<h2 id="h-{section}">(.*?)</h2>', text).group(1)  # noqa: E731
        numbers = [float(n.replace(",", "")) for n in re.findall(r"GBP\u00a0(-?[\d,.]+\d)", heading("outcomes"))]
        self.assertEqual(len(numbers), 3)
        self.assertNotRegex(heading("outcomes"), r"GBP |\d m\b", "no line breaks within an amount")
        for number, metric in zip(numbers, ("savings_cash_gbp", "capacity_released_gbp", "cost_gbp")):
            millions = mean(metric, "net", "2023-03-31") / 1e6
            if abs(millions) >= 1:
                self.assertAlmostEqual(number, millions, delta=0.006 * abs(millions))
        outcomes = text.split('<section id="outcomes"')[1].split("</section>")[0]
        self.assertNotRegex(outcomes.split("Year by year")[0], r"GBP</th><td class=\"n\">-?\d+,\d+,\d")
        # A mean in a heading has its interval beside it, or its chance.
        row = lambda metric, statistic: next(  # noqa: E731
            r[statistic] for r in rows if (r["metric"], r["view"], r["region"], r["strategy"], r["to"]) ==
            (metric, "net", "England", "as-delivered", "2023-03-31"))
        said = re.fullmatch(r"([\d,]+) organisations in use on 31 March 2023, ([\d,]+) more than without the support "
                            r"\(90 %: ([\d,]+) to ([\d,]+)\)", heading("adoption")).groups()
        used = [mean("adopters", "gross", "2023-03-31"), *(row("adopters", s) for s in ("mean", "p05", "p95"))]
        for number, value in zip(said, used):
            self.assertAlmostEqual(float(number.replace(",", "")), value, delta=0.006 * value)
        self.assertRegex(heading("gross-to-net"), r"are due to the support \(90 %: -?[\d,]+ to [\d,]+\)$")
        self.assertRegex(heading("outcomes"), r"; cash and capacity exceed what it cost in ")
        kinds = text.split('<section id="dimensions"')[1].split("</section>")[0]
        self.assertEqual(kinds.count('<th scope="row">Emergency admissions avoided</th>'), 3)
        self.assertNotIn(">Events avoided<", kinds, "they are the same")
        self.assertIn("<caption>Harm or risk reduced</caption>", kinds)
        self.assertNotIn("the worth of", text, "of one programme it is all or nothing")
        table = program.read(self.path("out", "summary.txt")).decode()
        self.assertRegex(table, r"admissions avoided +!! 57,000 ")
        self.assertIn("! = outside the model's 90 % interval, !! = beyond every replicate.", table)
        self.assertIn("Means over 6 replicates (per pound: ratios of means), each", " ".join(table.split()))
        # What is told as more or fewer has no sign.
        self.assertRegex(heading("equity"), r"\(90 %: [\d.]+( fewer)? to [\d.]+ (more|fewer)\)$")
        # A full year of what is in use at the end of a year, from the year's own rate.
        with h5py.File(self.path("out", "results.h5")) as file:
            year = [y.decode() for y in file["year/year"][()]].index("2022/23")
            end = np.searchsorted(file["time"][()], file["year/year_to"][year], side="right") - 1
            lead = [s.decode() for s in file["strategy"][()]].index("as-delivered")
            full = [file["year/savings_cash_gbp"][lead, view, 0, 0, year, 0] / file["year/home_years"][lead, view, 0, 0, year, 0]
                    * file["adopters"][lead, view, 0, 0, end, 0] for view in (0, 1)]
        row = re.search(r'<th scope="row">2022/23</th>(.*?)</tr>', outcomes).group(1)
        shown = [float(n.replace(",", "")) for n in re.findall(r">(-?[\d,.]+)<", row)]
        factor = 1e6 if "full-year cash savings, GBP\u00a0m" in outcomes else 1
        self.assertAlmostEqual(shown[5], (full[0] - full[1]) / factor, delta=0.006 * max(1, abs(shown[5])))

    def test_networks_that_differ_by_luck_alone_are_said_to(self):
        # In the second the North gets nine times its effort and the South none: the sentence would be wrong.
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        first = 'name = "as-delivered"\n'
        lever = '[[strategy.lever]]\nkind = "{}"\nfactor = {}\nregions = ["{}"]\n'
        levers = lever.format("facilitation", 0, "South") + lever.format("facilitation", 9, "North")
        uneven = self.scenario.replace(first, first + levers)
        self.assertNotEqual(uneven, self.scenario)
        for name, text, is_said in (("even", self.scenario, True), ("uneven", uneven, False)):
            program.write(self.path(name + ".toml"), text)
            self.uptake("run", name + ".toml", "--replicates", "400", "-o", name, "--quiet")
            page = program.read(self.path(name, "report.html")).decode()
            self.assertEqual("shows no difference between regions that luck alone would not make." in page, is_said, name)
            self.assertEqual("Regions differ by more than luck." in page, not is_said, name)
            said = re.search(r"luck sets their shares in use ([\d.]+) percentage points apart .*? over 400 worlds luck alone leaves ([\d.]+), "
                             r"less than ([\d.]+) in 19 runs of 20, and the table shows ([\d.]*\d)", page)
            # By hand: the variance of a share about its region's own mean, less what all regions have in common.
            with h5py.File(self.path(name, "results.h5")) as file:
                statistics = [s.decode() for s in file["statistic"][()]]
                mean, sd = (file["report/adoption_share"][0, 0, statistics.index(s), 0, 0] for s in ("mean", "sd"))
                weight = file["eligible"][0, 1:] / file["eligible"][0, 1:].sum()
            in_world = (weight @ sd[1:] ** 2 - sd[0] ** 2) ** 0.5
            shows = (weight @ (mean[1:] - weight @ mean[1:]) ** 2) ** 0.5
            for text, value in zip(said.group(1, 2, 4), (in_world, in_world / 20, shows)):
                self.assertAlmostEqual(float(text), 100 * value, delta=0.006 * max(1, 100 * value))
            self.assertEqual(float(said[4]) <= float(said[3]), is_said, name)
            own = re.search(r"sets them about ([\d.]+) apart. .*? is ahead in about (\d+) %", page)
            self.assertEqual(own is not None, not is_said, name)
            if own:
                self.assertAlmostEqual(float(own[1]), 100 * (shows**2 - in_world**2 / 400) ** 0.5, delta=0.06)
                self.assertGreater(int(own[2]), 50)
        # Who is in use at the start is the same in every world, which the page has to say where anybody is.
        self.assertNotIn("was drawn once", page)
        self.uptake("run", "even.toml", "--replicates", "40", "-o", "started", "--quiet", "--set", "initial.in_use=0.3")
        page = program.read(self.path("started", "report.html")).decode()
        self.assertRegex(page, r"in use at the start was drawn once, with the population, and is the same in every world: "
                               r"[\d.]+ % to [\d.]+ % of each region's were in use on ")

    def test_a_made_up_population_is_not_called_england(self):
        text = program.read(program.CARE_HOMES).decode().replace(
            'population = "england"', "population = { synthetic = 900, degree = 4, regions = 3 }").replace(
            "in every care home in England", "in homes")
        program.write(self.path("made-up.toml"), text)
        self.uptake("run", "made-up.toml", "--replicates", "4", "-o", "out", "--quiet")
        self.uptake("compare", "made-up.toml", "--baseline", "no-programme", "--replicates", "4", "-o", "side", "--quiet")
        words, own = "a synthetic population of 900 care homes", lambda t: re.sub(r"\s+", " ", re.split(
            r"<footer|<script", re.sub(r"<section id=\"(assumptions|provenance)\".*?</section>", "", t, flags=re.S))[0])
        for file in (("out", "report.html"), ("out", "summary.txt"), ("side", "compare.html")):
            said = own(program.read(self.path(*file)).decode())
            self.assertIn(words, said, file)
            rest = said.split("What this rests on")[0].replace("will happen in England", "")
            self.assertNotIn("England", rest.replace("England:", ""), file)
            self.assertNotRegex(rest, r"\bS40\b", "figures of England are not beside it")
        page = program.read(self.path("out", "report.html")).decode()
        self.assertRegex(page, r"<title>[^<]*\(synthetic population\)")
        self.assertNotIn('<section id="published"', page)
        self.assertNotIn("of each network", page)

    def test_own_tables_are_called_neither_england_nor_its_boards(self):
        # Tables of somebody's own that call their regions and boards as England does, so that they have tiles.
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("own"))
        organisations = program.read(self.path("own", "organisations.csv")).decode()
        with open(os.path.join(program.SCENARIOS, "england", "boards.csv"), encoding="utf-8") as file:
            boards = list(csv.DictReader(file))[:2]
        with open(os.path.join(program.SCENARIOS, "england", "regions.csv"), encoding="utf-8") as file:
            regions = [next(r for r in csv.DictReader(file) if r["code"] == boards[0]["region"])]
        for here, there in (("North", regions[0]["name"]), ("N1", boards[0]["short_name"])):
            self.assertIn(f",{here},", organisations)
            organisations = organisations.replace(f",{here},", f",{there},")
        program.write(self.path("own", "organisations.csv"), organisations)
        program.write(self.path("own.toml"), self.scenario.replace('population = "minimal"', 'population = "own"').replace(
            '"minimal/', f'"{program.SCENARIOS}/minimal/'))
        said = self.uptake("run", "own.toml", "--replicates", "4", "-o", "out").stdout
        self.uptake("report", "out", "--cheers")
        page = program.read(self.path("out", "report.html")).decode()
        self.assertIn('data-tiles="region"', page)
        self.assertIn('data-tiles="board"', page)
        places = page.split('<section id="places"')[1].split("</section>")[0]
        self.assertIn("<h3>Regions</h3>", places)
        self.assertIn("Table: in use by board", places)
        checklist = program.read(self.path("out", "cheers.md")).decode()
        whole = "In the population own (12 organisations, 3 regions), on 2022-03-31; deprivation"
        self.assertIn(whole, checklist)
        crate = json.loads(program.read(self.path("out", "ro-crate-metadata.json")))
        described = next(one["description"] for one in crate["@graph"] if one["@id"] == "./")
        self.assertIn("through organisations (the population own (12 organisations, 3 regions))", described)
        before = re.sub(r"<section id=\"(assumptions|provenance)\".*?</section>", "", page, flags=re.S)
        for text in (said.split("What this rests on")[0], re.split("<footer|<script", before)[0],
                     *re.findall(r'"(?:label|words|places)":"?([^"]*)"', page)):
            for word in ("England", "etworks</h3>", "ntegrated care board</", "ntegrated care boards</"):
                self.assertNotIn(word, text)

    def test_names_of_networks_and_programmes_are_those_a_reader_knows(self):
        self.uptake("run", program.CARE_HOMES, "--replicates", "2", "-o", "out", "--quiet")
        page = program.read(self.path("out", "report.html")).decode()
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1).replace("<\\/", "</"))
        self.assertEqual(data["programmes"][0]["title"], "Managing deterioration in care homes")
        self.assertIn("North East and North Cumbria", data["places"])
        self.assertIn("Health Innovation Network South London", data["places"], "whose name has no shorter form")
        self.assertIn('<th scope="row">West Midlands</th>', page)

    def test_the_command_to_repeat_it_names_a_shipped_scenario_and_no_other(self):
        self.uptake("run", "what-if/new-innovation", "--replicates", "2", "-o", "shipped", "--quiet")
        command = lambda name: re.search(r"<pre [^>]*>(./uptake run .*?)</pre>", program.read(  # noqa: E731
            self.path(name, "report.html")).decode()).group(1)
        self.assertTrue(command("shipped").startswith("./uptake run scenarios/what-if/new-innovation.toml "))
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        program.write(self.path("minimal.toml"), self.scenario + "# mine\n")
        self.uptake("run", "minimal.toml", "--replicates", "2", "-o", "own", "--quiet")
        self.assertTrue(command("own").startswith("./uptake run minimal.toml "))

    def test_finding_of_every_kind_of_outcome(self):
        # One shipped programme of each kind: the page and the terminal speak of the same thing.
        for scenario, words in (("pincer", "avoided"), ("covid-virtual-wards", "bed days"),
                                ("heartflow", "people"), ("escape-pain", "people"),
                                ("virtual-wards", "emergency admissions"), ("af-anticoagulation", "events"),
                                ("plgf-testing", "organisations took up")):
            with self.subTest(scenario):
                self.uptake("run", scenario, "--replicates", "2", "-o", self.path(scenario), "--quiet")
                page = program.read(self.path(scenario, "report.html")).decode()
                said = " ".join(program.read(self.path(scenario, "summary.txt")).decode().split("\n\n")[0].split())
                self.assertIn(words, re.search(r'<p class="finding">(.*?)</p>', page).group(1))
                self.assertIn(words, said)
                self.assertEqual("No effect on patients is known" in said, scenario == "plgf-testing", said)

    def test_money_says_which_prices_no_file_states(self):
        heading = lambda n: f"Money rests on {n} defaults of the program, which neither programme nor scenario states:"  # noqa: E731
        day = ("Price of one staff-day of the network (cost.staff_day_price): 320 GBP/staff-day, drawn from U(250, 450); "
               "assumption")
        admission = ("Value of one emergency admission at 2016/17 prices (economy.admission_price): 2,931 GBP, drawn from "
                     "LN(2931, 0.15); derived: GBP 17.0 billion / 5.8 million, S88 and S89")
        stated = ("--set", "cost.staff_day_price=300 GBP/staff-day")
        for name, more, n in (("default", (), 9), ("stated", stated, 8)):
            said = self.uptake("run", program.MINIMAL, "--replicates", "2", "-o", name, *more).stdout
            said = re.sub(r"\s+", " ", said)
            outcomes = program.read(self.path(name, "report.html")).decode().split('<section id="outcomes"')[1].split("</section>")[0]
            for text in (said, outcomes):
                self.assertIn(heading(n), text)
                self.assertIn(admission, text)
                self.assertEqual(day in text, name == "default")
                self.assertNotIn("economy.bed_day_price", text, "no bed day is priced here")
                self.assertNotIn("economy.qaly_value", text)
            self.assertIn("Default prices that money rests on stand below.", said)
            self.assertLess(outcomes.index(heading(n)), outcomes.index("<table>"))
            with h5py.File(self.path(name, "results.h5")) as file:
                flags = dict(zip((k.decode() for k in file["parameters/key"][()]), file["parameters/stated"][()]))
            self.assertEqual(flags["cost.staff_day_price"], name == "stated")
            self.assertEqual((flags["cost.delivery_staff_days"], flags["economy.admission_price"]), (1, 0))
        # A process without outcomes for which nobody states a cost has no money, and nothing that it rests on.
        self.uptake("run", "plgf-testing", "--replicates", "2", "-o", "plgf", "--quiet")
        page = program.read(self.path("plgf", "report.html")).decode()
        self.assertNotIn("economy.cashable_share)", page.split('<section id="assumptions"')[0])

    def test_a_share_of_benefit_has_no_range_outside_the_whole_and_the_reason_is_said_once(self):
        reason = "The net share of effect is given without a 90 % range where some worlds do worse than their comparator"
        said = self.uptake("run", program.MINIMAL, "-o", "out").stdout
        shares = re.findall(r"net share of effect, % +[\d.]+(?: +([\d.]+) to ([\d.]+))? +- +-\n", said)
        with h5py.File(self.path("out", "results.h5")) as file:
            names = [s.decode() for s in file["statistic"][()]]
            low, high = (100 * file["report/attributable_share"][0, 2, names.index(s), 0, :, 0] for s in ("p05", "p95"))
        self.assertEqual([(0 <= a and b <= 100) for a, b in zip(low, high)], [True, False], "one of each kind is here")
        self.assertEqual([bool(of[0]) for of in shares], [True, False])
        page = program.read(self.path("out", "report.html")).decode()
        outcomes = page.split('<section id="outcomes"')[1].split("</section>")[0]
        rows = re.findall(r'Net share of effect, %</th><td class="n">[\d.]+</td><td class="n">(.*?)</td>', outcomes)
        self.assertEqual([bool(of) for of in rows], [True, False])
        for text in (" ".join(said.split()), page):
            self.assertEqual(text.count(reason), 1)

    def test_a_chance_has_no_range_and_says_so(self):
        self.made()
        page = program.read(self.path("out", "report.html")).decode()
        row = r'<th scope="row">Chance that the benefit would be smaller by a fifth or more, %</th><td class="n">[-\d.]+</td><td class="n">'
        self.assertRegex(page, row + "none: a chance</td>")
        # Nor has a difference of two, on its page and in the terminal.
        words = ["compare", "out", "--metric", "significantly_reduced", "--baseline", "as-delivered"]
        self.assertRegex(self.uptake(*words, "-o", "compared").stdout, r"chance of a fifth less, % .*none: a chance")
        self.assertRegex(program.read(self.path("compared", "compare.html")).decode(), row + "none: a chance</td>")

    def test_times_to_first_use_of_the_same_length_differ_by_nothing(self):
        self.uptake("run", program.CARE_HOMES, "--replicates", "40", "-o", "out", "--quiet")
        with open(self.path("out", "summary.csv"), encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["metric"] in ("first_use_months", "latest_first_use_months")]
        values = [float(row[s]) for row in rows for s in ("p05", "p25", "p50", "p75", "p95") if row[s]]
        self.assertTrue(any(value == 0 for value in values))
        self.assertEqual([value for value in values if 0 < abs(value) < 1e-9], [])

    def test_one_world_has_no_interval_that_a_published_figure_could_lie_in(self):
        said = self.uptake("run", program.CARE_HOMES, "--replicates", "1", "-o", "out").stdout
        published = said.split("Published figures beside the result")[1].split("They were not fitted to")[0]
        self.assertRegex(published, r"\n  ever engaged +10,900 +[\d,]+ +[\d,]+\n", "one value and no range")
        self.assertNotIn("!", published)
        section = program.read(self.path("out", "report.html")).decode().split('<section id="published"')[1].split("</section>")[0]
        self.assertIn(">What was published, beside the model</h2>", section)
        self.assertIn("One world has no interval that a figure could lie in or outside.", section)
        two = self.uptake("run", program.CARE_HOMES, "--replicates", "2", "-o", "two").stdout
        self.assertIn("outside the model's 90 % interval", two)
        self.assertRegex(program.read(self.path("two", "report.html")).decode(), r"\d of 5 published figures within the model's 90 % interval")

    def test_defaults_of_money_name_the_programmes_that_they_are_of(self):
        text = program.read(program.CARE_HOMES).decode().replace(
            'programmes = ["care-home-deterioration"]', 'programmes = ["care-home-deterioration", "pincer", "tcam"]')
        program.write(self.path("three.toml"), text)
        said = " ".join(self.uptake("run", "three.toml", "-o", "out", "--replicates", "2").stdout.split())
        page = program.read(self.path("out", "report.html")).decode()
        for text in (said, page):
            self.assertIn("(cost.staff_day_price, tcam): 320 GBP", text)  # no day is spent on pincer then
            self.assertIn("(cost.set_up, all programmes but care-home-deterioration): 0 GBP", text)
            self.assertIn("(cost.per_person, all programmes but pincer): 0 GBP", text, "nobody counts whom PINCER reaches")
            self.assertRegex(text, r"\(economy.cashable_share\): 0.2")
            self.assertNotRegex(text, r"\([a-z_.]+, \d+ of 3 programmes\)")

    def test_a_study_writes_numbers_as_the_tables_do(self):
        self.uptake("run", program.CARE_HOMES, "--replicates", "4", "-o", "out", "--quiet")
        words = ["sensitivity", program.CARE_HOMES, "--method", "one-way", "--replicates", "4", "--metric", "cost_gbp", "-o", "out"]
        said = self.uptake(*words).stdout
        self.assertRegex(said, r"^cost, all funders, GBP m of as-delivered against no-network, net, England, to\s2023-03-31: [\d.]+ at the "
                         r"defaults \(s.e. [\d.]+\)\n")
        self.assertRegex(said, r"\neconomy.optimism_cost +0.02 +0.38 +[\d.]+ +[\d.]+\n")
        self.assertNotRegex(said, r"\de[+-]?\d|\d{5}")
        self.assertLessEqual(max(map(len, said.splitlines())), 80)
        why = "The mean of a run can differ from the result at the defaults:"
        self.assertIn(why, " ".join(said.split()))
        page = program.read(self.path("out", "report.html")).decode()
        drivers = page.split('<section id="drivers"')[1].split("</section>")[0]
        self.assertIn(why, drivers)
        self.assertIn("Cost, all funders, GBP\u00a0m (net)", drivers)
        base = json.loads(page.split('id="data">')[1].split("</script>")[0].replace("<\\/", "</"))["tornado"]["base"]
        self.assertIn(f"The line: {base:.1f} at the defaults.", drivers, "drawn in the unit that is written")

    def test_a_verdict_that_rests_on_one_price_says_so_and_where_it_turns(self):
        amount = lambda text: float(text.replace(",", ""))  # noqa: E731
        # One price that no world varies: on the page and on the terminal.
        self.uptake("run", "af-anticoagulation", "--replicates", "8", "-o", "af", "--quiet")
        with h5py.File(self.path("af", "results.h5")) as file:
            net = lambda metric: file["report/" + metric][0, 2, 0, 0, 0, 0]  # noqa: E731
            turns_at = 13167 * net("cost_gbp") / net("savings_gross_gbp")
        for name in ("report.html", "summary.txt"):
            said = " ".join(program.read(self.path("af", name)).decode().split())
            found = re.search(r"value\.per_event is fixed at GBP 13,200 in every world, .*? on average it turns at GBP ([\d,]+), ", said)
            self.assertAlmostEqual(amount(found.group(1)) / turns_at, 1, delta=0.01)
        # Two values that are drawn: at each the mean of a QALY's worth and of savings, less cost, is nothing.
        self.uptake("run", "pincer", "--replicates", "60", "-o", "pincer", "--quiet")
        page = program.read(self.path("pincer", "report.html")).decode()
        self.assertIn("An event is here: hazardous prescribing, 497,000 a year", page)
        self.assertNotRegex(page, "it is worth its cost in (none|all) of")
        for table in re.findall(r"<table>.*?</table>", page, re.S):
            units = set(re.findall(r", GBP(\u00a0m)?</th>", table))
            self.assertLessEqual(len(units), 1, "one unit of money in a table")
        outcomes = page.split('<section id="outcomes"')[1].split("</section>")[0]
        for row in re.findall(r'<th scope="row">(?:Cash|Capacity|Added cash|Cost|Social)[^<]*</th>.*?</tr>', outcomes):
            self.assertNotRegex(row, r">-?0\.00<|0\.00 to -?0\.00", "what is small is told, not rounded away")
        with h5py.File(self.path("pincer", "results.h5")) as file:
            lead, other = ([s.decode() for s in file["strategy"][()]].index(s) for s in ("as-delivered", "no-network"))
            of = lambda metric: (lambda v: v[:, lead, 0, 0, 0] - v[:, other, 0, 0, 0])(file["replicates/" + metric][()])  # noqa: E731
            cost, value, qalys = of("cost_gbp"), of("savings_gross_gbp"), of("qalys")
            keys = [k.decode() for k in file["parameters/key"][()]]
            drawn = lambda key: file["parameters/drawn"][:, keys.index(key)]  # noqa: E731
            expected = {"value.per_event": (cost.mean() - 20000 * qalys.mean()) / (value / drawn("value.per_event")).mean(),
                        "value.qalys_per_event": (cost - value).mean() / (20000 * qalys / drawn("value.qalys_per_event")).mean()}
        for key, at in expected.items():
            found = re.search(re.escape(key) + r", drawn from LU.*?(?:the mean would turn at (?:GBP )?([\d.,]*\d)|is the same for any value)", page)
            if at > 0:
                self.assertAlmostEqual(amount(found.group(1)) / at, 1, delta=0.01, msg=key)
            else:
                self.assertIn("is the same for any value", found.group(0))

    def test_a_calibrated_run_says_how_often_such_intervals_held(self):
        self.uptake("run", "focus-adhd", "--posterior", "posterior", "--replicates", "4", "-o", "out", "--quiet")
        page = program.read(self.path("out", "report.html")).decode()
        with open(os.path.join(program.SCENARIOS, "history", "backtests.csv"), encoding="utf-8") as file:
            rows = {row["kind"]: row for row in csv.DictReader(file)}
        own, other = rows["own-record"], rows["left-out"]
        words = (f"held {100 * float(own['held_90']):.0f} % of {own['forecasts']} observations of {own['programmes']} "
                 "programmes. What is observed of one programme is held or missed together, "
                 f"and of {own['programmes']} programmes as {own['programmes']} independent tests chance alone leaves 67 to 100 %: "
                 "this may be chance, or intervals of this run may be too narrow.")
        for section in ("finding", "adoption"):
            self.assertIn(words, page.split(f'<section id="{section}"')[1].split("</section>")[0])
        self.assertNotIn("back-tests", self.made("--replicates", "2", "--overwrite"))
        evidence = program.read(os.path.join(program.SOURCE, "docs", "calibration-evidence.md")).decode()
        percent = lambda text: f"{100 * float(text):.0f} %"  # noqa: E731
        self.assertIn(f"periods | {own['forecasts']} | {percent(own['held_50'])}, {percent(own['held_90'])} |", evidence)
        self.assertIn(f"{other['forecasts']} observations, {percent(other['held_50'])} inside the 50 % and\n"
                      f"{percent(other['held_90'])} inside the 90 % interval", evidence)

    def test_opens_with_the_focus_and_the_lead(self):
        lines = self.scenario.splitlines()
        lines.insert(1, 'focus = "North"')
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        program.write(self.path("minimal.toml"), "\n".join(lines) + "\n")
        self.uptake("run", "minimal.toml", "-o", "out", "--quiet", "--replicates", "4")
        text = program.read(self.path("out", "report.html")).decode()
        finding = re.search(r'<p class="finding">(.*?)</p>', text).group(1)
        self.assertIn(", in the North, ", finding)
        # A figure of all of it is not taken for one of the region, nor the measures of inequality.
        figures = "".join(f'[[published]]\nmetric = "adopters"\nregion = "{region}"\nto = 2022-03-31\nvalue = 2\nsource = "S1"\n'
                          for region in ("England", "North"))
        program.write(self.path("minimal.toml"), "\n".join(lines) + "\n" + figures)
        said = self.uptake("run", "minimal.toml", "-o", "out", "--overwrite", "--replicates", "4").stdout
        whole = r"the population minimal \(12 organisations,\s+3 regions\)"
        self.assertRegex(said, rf"2022-03-31, {whole}; S1")
        self.assertRegex(said, r"2022-03-31, North; S1")
        text = program.read(self.path("out", "report.html")).decode()
        self.assertRegex(text, rf'<th scope="row">Organisations in use, {whole}</th>')
        self.assertIn('<th scope="row">Organisations in use, North</th>', text)
        self.assertRegex(text.split('<section id="equity"')[1], rf"<caption>On 31 March 2022, {whole}</caption>")

    def test_figures_of_england_are_called_so_beside_another_population(self):
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("town"))
        # So many homes that England's counts are not left out.
        with open(self.path("town", "organisations.csv"), encoding="utf-8", newline="") as file:
            known = list(csv.DictReader(file))
        with open(self.path("town", "organisations.csv"), "a", encoding="utf-8", newline="") as file:
            home = next(row for row in known if row["type"] == "care-home")
            csv.DictWriter(file, known[0]).writerows({**home, "code": f"MORE{n}"} for n in range(11_000))
        n_there = f"{len(known) + 11_000:,}"
        scenario = self.scenario.replace('"minimal/example-tool.toml"', '"care-home-deterioration"')
        own = '[[published]]\nmetric = "adopters"\nto = 2022-03-31\nvalue = 4\nsource = "our own count"\n'
        program.write(self.path("town.toml"), scenario.replace('population = "minimal"', 'population = "town"') + own)
        said = self.uptake("run", "town.toml", "-o", "out", "--replicates", "8").stdout
        town, words = f"the population town ({n_there} organisations, 3 regions)", " ".join(said.split())
        self.assertIn(f"2022-03-31, {town}; our own count", words)
        self.assertIn("2022-09-30, England; S40", words)
        self.assertIn(f"Figures of England stand beside values of {town}.", words)
        page = program.read(self.path("out", "report.html")).decode().replace("<wbr>", "")
        section = page.split('<section id="published"')[1].split("</section>")[0]
        self.assertIn(f"Organisations in use, {town}</th>", section)
        self.assertIn("Organisations ever in use, England</th>", section)
        self.assertIn(f"Figures of England stand beside values of {town}: they are of two places", section)
        self.assertRegex(section, "[01] of 1 published figure within")
        self.assertIn("published figure (some of England, see “What was published”)", page)
        self.assertIn('"label":"published of England: ', page)
        with open(self.path("out", "published.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual({(row["region"], row["place"], row["source"] == "our own count") for row in rows},
                         {("England", town, True), ("England", "England", False)})
        self.uptake("export", "out", "--csv", "-o", "csv", "--quiet")
        self.assertEqual(program.read(self.path("csv", "published.csv")), program.read(self.path("out", "published.csv")))
        # Of England itself nothing is said twice.
        whole = self.uptake("run", program.CARE_HOMES, "-o", "whole", "--replicates", "2").stdout
        self.assertNotIn("England; S40", whole)
        self.assertNotIn("Figures of England", whole)

    def test_a_world_without_the_programme_has_no_net_to_tell(self):
        top = self.scenario.split("[[strategy]]")[0]
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        for name, more, words in (
                ("bare", 'delivery = "no-programme"\n', "Nothing sets {} apart from {}, for it delivers no network effort: "
                 "both are the same world, and net is 0 throughout."),
                ("no-programme", "", "Net is measured against {} itself here, so it is 0 by construction."),
                ("no-network", "", "Net is measured against {} itself here, so it is 0 by construction.")):
            program.write(self.path("none.toml"), f'{top}[[strategy]]\nname = "{name}"\n{more}')
            said = self.uptake("run", "none.toml", "-o", name, "--replicates", "20").stdout
            self.assertIn(words.format(name, "no-programme"), " ".join(said.split()))
            without = "In it nobody commissions or supports the innovation"
            (self.assertNotIn if name == "no-network" else self.assertIn)(without, " ".join(said.split()))
            self.assertIn(f"\n{name}, example-tool, the population minimal", said)
            self.assertIn("gross, 90 % interval", said)
            page = program.read(self.path(name, "report.html")).decode()
            self.assertIn(words.format(f"“{name}”", "“no-programme”").replace(", for it delivers no network effort", ""), page)
            for left_out in ('<section id="gross-to-net"', "The support made a difference", "due to the support",
                             "net present value above 0", "Year by year", "with the support and"):
                self.assertNotIn(left_out, page)
            self.assertNotIn("(comparator)", page)
            # Of one and the same world no column says 0 in every row, and what is a difference has no row.
            self.assertEqual(re.findall(r"<th[^>]*>(?:net|[^<]*\(net\)|anyway|without)</th>", page), [])
            self.assertNotIn('<th scope="row">Months sooner', page)
            self.assertIn('<th scope="row">Organisation-years in use</th>', page)
            # In every table, too.
            self.uptake("export", name, "--csv", "-o", f"{name}-csv", "--quiet")
            with open(self.path(f"{name}-csv", "report.csv"), encoding="utf-8", newline="") as file:
                nets = [row for row in csv.DictReader(file) if (row["strategy"], row["view"]) == (name, "net")]
            self.assertGreater(len(nets), 20)
            for row in nets:
                if row["mean"]:
                    self.assertEqual([float(row[k]) for k in ("mean", "p05", "p95")], [0, 0, 0], row)
            compared = json.loads(self.uptake("compare", name, "--json").stdout)["metrics"]
            self.assertEqual({row["baseline"] for row in compared}, {name})
        self.assertIn("bare", {row["strategy"] for row in json.loads(
            self.uptake("compare", "bare", "--baseline", "no-network", "--json").stdout)["metrics"]})

    def test_of_several_programmes_in_one_and_the_same_world_no_column_says_a_net_of_0(self):
        text = program.read(program.CARE_HOMES).decode().split("[[strategy]]")[0].replace(
            'programmes = ["care-home-deterioration"]', 'programmes = ["care-home-deterioration", "pincer"]')
        program.write(self.path("bare.toml"), text + '[[strategy]]\nname = "bare"\ndelivery = "no-programme"\n')
        said = self.uptake("run", "bare.toml", "-o", "out", "--replicates", "20").stdout
        self.assertRegex(said, r"\n +ever in use +people +avoided\n +gross +gross +gross\n")
        self.assertRegex(said, r"\n  pincer +[\d,.]+ +- +[\d,.]+ hazardous-prescribing\n")
        self.assertRegex(said, r"Published figures beside the result +published +gross, 5 to 95 %\n")
        self.assertIn("net is 0 throughout", " ".join(said.split()))
        self.assertNotIn("(net 0 to 0)", said)
        page = program.read(self.path("out", "report.html")).decode()
        of_each = page.split('<section id="programmes"')[1].split("</section>")[0]
        self.assertEqual(re.findall(r'<th scope="col"[^>]*>(.*?)</th>', of_each),
                         ["Programme", "ever in use", "90 %", "people reached", "90 %", "events avoided", "90 %"])
        self.assertIn("All figures are gross; net is 0 by construction.", of_each)

    def test_a_world_below_its_comparator_has_no_net_share_and_the_reason_is_said_once(self):
        self.led_by("later", """[[strategy]]
name = "later"
delivery = "no-network"

[[strategy.lever]]
kind = "delay"
delay_weeks = "26 weeks"
""")
        reason = "No net share of effect is given: net is no part of gross, from none to all of it."
        said = self.uptake("run", "later.toml", "-o", "later", "--replicates", 50).stdout
        self.assertEqual(said.count(reason), 1)
        self.assertNotIn("net share of effect, %", said)
        page = program.read(self.path("later", "report.html")).decode()
        self.assertEqual(page.count(reason), 1)
        self.assertNotIn("Net share of effect", page)
        # Nothing "of it" is due to such a strategy: it ends below.
        self.assertRegex(" ".join(said.split()), r"emergency admissions, [\d.]+ \(90 %: 0 to [\d.]+\) fewer than under no-network")
        self.assertRegex(page, r'<p class="finding">[^<]*, [\d.]+ \(90 % interval 0 to [\d.]+\) fewer than under “no-network”\.<')
        self.assertRegex(page, r'<h2 id="h-gross-to-net">“later” ends below its comparator: [\d.]+ fewer emergency admissions '
                               r'avoided than under “no-network” \(90 %: 0 to [\d.]+\)<')
        self.assertIn("“later” changed cash savings by GBP\u00a0-", page)
        for text in (said, page):
            self.assertNotRegex(text, r"of\s+them\s+would\s+not|due to “later”|“later” added")
        with h5py.File(self.path("later", "results.h5")) as file:
            strategies = [s.decode() for s in file["strategy"][()]]
            shares = file["report/attributable_share"]
            views = [v.decode() for v in file["view"][()]]
            of = lambda strategy: shares[strategies.index(strategy), views.index("net")]  # noqa: E731
            self.assertTrue(np.isnan(of("later")[..., 0]).all())
            self.assertTrue(np.isnan(of("no-programme")[..., 0]).all())
        rows = program.read(self.path("later", "summary.csv")).decode()
        self.assertNotIn("later,example-tool,England,attributable_share", rows)

    def test_costs_are_of_who_brings_them_about_and_not_told_where_nobody_states_one(self):
        self.led_by("tariff", """[[strategy]]
name = "tariff-only"
delivery = "no-network"

[[strategy.lever]]
kind = "tariff"
share = 0.5
""")
        self.uptake("run", "tariff.toml", "-o", "tariff", "--replicates", 40)
        page = html.unescape(program.read(self.path("tariff", "report.html")).decode())
        self.assertRegex(page, "<h2 id=\"h-outcomes\">“tariff-only” added GBP\\s[^<]* of cost; cash and capacity exceed what it cost")
        # Nor is anything else called the network's support.
        self.assertIn("With “tariff-only” (gross)", page)
        self.assertIn(", under “no-network” instead of “tariff-only”.", page)
        self.assertNotRegex(page, "[Tt]he (network's )?support")
        self.uptake("run", os.path.join(program.SOURCE, "bench", "bass-on-network.toml"), "-o", "bare", "--replicates", 2,
                    "--set", "horizon=100 weeks")
        for name in ("report.html", "summary.txt", "summary.csv"):
            text = program.read(self.path("bare", name)).decode()
            self.assertNotRegex(text, r"cost_gbp|Cost, all funders|cost, all funders|prices\b.*discounted", name)
        self.assertIn("What it was worth and what it cost is not stated",
                      program.read(self.path("bare", "report.html")).decode())

    def test_a_year_too_short_to_draw_is_said_to_be_left_out(self):
        text = self.made("--replicates", "4")
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1).replace("<\\/", "</"))
        self.assertEqual(data["years"]["years"], ["2021/22", "2022/23"])
        self.assertIn("Not drawn: the 5 days of 2023/24 that were simulated, too few for a bar; the table has them.", text)
        self.assertIn('<th scope="row">2023/24, part: to 5 Apr 2023</th>', text)
        for weeks, words in ((104, "Dashed: part of a year only (2022/23, part: to 29 Mar 2023).</figcaption>"),
                             (115, "Dashed: part of a year only (2023/24, part: to 14 Jun 2023).</figcaption>")):
            text = self.made("--replicates", "4", "--overwrite", "--set", f"horizon={weeks} weeks",
                             "--set", "report_at=[2022-03-31]")
            self.assertIn(words, text)
            self.assertNotIn("Not drawn", text)

    def test_without_any_effort_nothing_is_said_of_it(self):
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        tool = os.path.join(self.path("minimal"), "example-tool.toml")
        lines = program.read(tool).decode().splitlines()
        program.write(tool, "\n".join(line for line in lines if not line.startswith("delivery_staff_days")) + "\n")
        program.write(self.path("minimal.toml"), self.scenario.split("[[strategy]]")[0] + '[[strategy]]\nname = "as-delivered"\n')
        said = self.uptake("run", "minimal.toml", "-o", "out", "--replicates", "20").stdout
        page = program.read(self.path("out", "report.html")).decode().replace("<wbr>", "")
        effort = ("half_effort_factor", "delivery_staff_days", "engagement.a1", "facilitation.eta")
        first = page.split('<section id="assumptions"')[1].split("</table>")[0]
        for text in (said, first):
            for key in effort:
                self.assertNotIn(key, text)
            self.assertIn("bass.p", text)
        words = " ".join(said.split())
        self.assertIn("Nothing sets as-delivered apart from no-network, for it delivers no network effort: both are the "
                      "same world, and net is 0 throughout.", words)
        self.assertIn("gross, 90 % interval", said)
        self.assertNotIn("net, 90 % interval", said)
        self.assertNotIn("Without =", said)
        self.assertNotIn("net =", said)
        self.assertNotIn("Much rests on", said)
        self.assertIn("both are the same world, and net is 0 throughout", page)
        for left_out in ('<section id="gross-to-net"', "The support made a difference", "Year by year", "GBP\u00a00 of"):
            self.assertNotIn(left_out, page)
        # No assumption can move a net of 0.
        tried = self.uptake("sensitivity", "minimal.toml", "--method", "one-way", "--replicates", "2", "-o", "out").stdout
        self.assertIn("against no-network, net, the population minimal (12 organisations, 3 regions), to 2022-03-31: 0\n",
                      tried)
        self.assertIn("It is 0 in every world simulated, whatever is assumed; as-delivered delivers no network effort.",
                      " ".join(tried.split()))
        self.assertNotIn("at low", tried)
        self.assertNotIn("bass.p", tried)
        text = program.read(self.path("out", "report.html")).decode()
        self.assertIn("Nothing drives the net result: it is 0", text)
        self.assertNotIn('"tornado":', text)
        self.uptake("report", "out", "--cheers")
        self.assertIn("No assumption moves the net result", program.read(self.path("out", "cheers.md")).decode())
        # With effort everything is there.
        whole = self.made("--replicates", "20", "--overwrite").replace("<wbr>", "")
        first = whole.split('<section id="assumptions"')[1].split("</table>")[0]
        for key in effort:
            self.assertIn(key, first)
        for shown in ('<section id="gross-to-net"', "The support made a difference", "Year by year"):
            self.assertIn(shown, whole)

    def test_a_study_is_of_the_focus_and_says_so(self):
        north, shown = ["--set", "focus=North", "--set", "parameters=defaults"], self.path("out", "report.html")
        self.made("--replicates", "6", *north)
        study = ["sensitivity", program.MINIMAL, "--method", "one-way", "--replicates", "6"]
        said = self.uptake(*study, *north, "-o", "out").stdout
        self.assertIn("net, North, to 2022-03-31", " ".join(said.split()))
        found = json.loads(program.read(self.path("out", "sensitivity.json")))
        self.assertEqual((found["region"], found["place"]), ("North", "North"))
        rows = json.loads(program.read(self.path("out", "summary.json")))["metrics"]
        net = {row["region"]: row["mean"] for row in rows if (row["metric"], row["view"], row["strategy"], row["to"]) ==
               (found["metric"], "net", "as-delivered", "2022-03-31")}
        self.assertAlmostEqual(found["base"], net["North"], delta=1e-5 * abs(net["North"]))
        self.assertNotAlmostEqual(net["England"], net["North"], delta=0.01, msg="the check would take the whole for it")
        section = program.read(shown).decode().split('<section id="drivers"')[1].split("</section>")[0]
        self.assertIn("<caption>One assumption at a time, North: Emergency admissions avoided (net)</caption>", section)
        self.assertIn("<figcaption>In the North. Each bar", section)
        self.uptake("report", "out", "--cheers")
        self.assertRegex(program.read(self.path("out", "cheers.md")).decode(), r"`sensitivity.json`, `\w+`, North\)")
        # What is given for all alone is not for a part, and a study about another place goes nowhere near this page.
        self.assertIn("for the population minimal (12 organisations, 3 regions) alone, and the scenario's focus is the North",
                      self.uptake(*study, *north, "--metric", "deprivation_gap", code=2).stderr)
        refused = self.uptake(*study, "--set", "focus=South", "-o", "out", code=2).stderr
        self.assertIn("holds results about the North, and the study is about the South", refused)
        self.assertEqual(json.loads(program.read(self.path("out", "sensitivity.json"))), found)
        program.write(self.path("out", "sensitivity.json"), json.dumps({**found, "region": "England"}))
        self.uptake("report", "out")
        text = program.read(shown).decode()
        self.assertNotIn('"tornado":', text)
        self.assertIn("about something else than this page (as-delivered against no-network, the population minimal "
                      "(12 organisations, 3 regions), to 2022-03-31)", text)

    def test_a_study_with_undefined_results_draws_no_bar_and_a_broken_one_is_not_run(self):
        self.made("--replicates", "4")
        row = {"parameter": "bass.q", "unit": "1/year", "grade": "assumption", "low": 0.1, "high": 0.5,
               "at_low": None, "at_high": 3.5}
        study = {"parameters": [row, {**row, "parameter": "bass.p", "at_low": 2.5}], "base": 3, "metric": "adopters",
                 "strategy": "as-delivered", "comparator": "no-network", "region": "England", "to": "2022-03-31"}
        for broken in ({**study, "region": None}, {**study, "base": None}, {**study, "parameters": [{**row, "low": None}]},
                       {**study, "parameters": {"a": 1}}, [1], {"parameters": []}):
            program.write(self.path("out", "sensitivity.json"), json.dumps(broken))
            self.uptake("report", self.path("out"))
            self.assertIn("Not run.", program.read(self.path("out", "report.html")).decode(), broken)
        program.write(self.path("out", "sensitivity.json"), json.dumps(study))
        self.uptake("report", self.path("out"))
        text = program.read(self.path("out", "report.html")).decode()
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1).replace("<\\/", "</"))
        self.assertEqual([bar["name"] for bar in data["tornado"]["bars"]], ["bass.p"])

    def test_a_back_test_in_the_folder_is_told_and_a_broken_one_is_not(self):
        self.made("--replicates", "4")
        of = {"region": "England", "measure": "adopters", "unit": "homes", "cut": "2021", "p05": 1, "p25": 3, "p50": 4,
              "p75": 5, "p95": 9, "baselines": {"persistence": {"p50": 2}, "linear": None}}
        detail = {"low": 0.2, "high": 0.8, "programmes": 7, "forecasts": 9}
        test = {"history": "a record", "cutoff": "2021-12-31",
                "forecasts": [{**of, "programme": "example-tool", "date": "2022-03", "observed": 6},
                              {**of, "programme": "example-tool", "date": "2022-09", "observed": None},
                              {**of, "programme": "<i>another</i>", "date": "2022-03", "observed": 4}],
                "skill": {"persistence": 0.5, "linear": 1.5, "bass": None},
                "skill_detail": {"persistence": detail, "linear": {**detail, "low": 1.2, "high": 1.9}, "bass": None},
                "coverage": {"50": 0.2, "90": 0.9},
                "coverage_detail": {"50": {"expected_low": 0.3, "expected_high": 0.7, "independent": 7, "multiplier": 1.75},
                                    "90": {"expected_low": 0.8, "expected_high": 1, "multiplier": None}},
                "bias": 0.25, "outside_view": None, "why": ["a <b>reason</b>"], "warnings": []}
        for broken in ({**test, "forecasts": 1}, {**test, "skill": []}, [1], {}):
            program.write(self.path("out", "backtest.json"), json.dumps(broken))
            self.uptake("report", self.path("out"))
            self.assertNotIn('<section id="backtest"', program.read(self.path("out", "report.html")).decode())
        program.write(self.path("out", "backtest.json"), json.dumps(test))
        self.uptake("report", self.path("out"))
        page = program.read(self.path("out", "report.html")).decode()
        section = page.split('<section id="backtest"')[1].split("</section>")[0]
        row = lambda name: section.split(f'<th scope="row">{name}')[1].split("</tr>")[0]  # noqa: E731
        for name, words in (("Persistence", ("0.50", "0.20 to 0.80", "the model is better")),
                            ("Linear trend", ("1.50", "the model is worse")), ("Bass curve", ("cannot be said",)),
                            ("Example tool: adopters, England, 2022-03", (">6<", "3 to 5", "in the 90 %", ">2<")),
                            ("Example tool: adopters, England, 2022-09", ("not observed",))):
            for word in words:
                self.assertIn(word, row(name), name)
        for words in ("held 20 %", "between 30 and 70 % (7 programmes as 7 independent tests, for "
                      "what is observed of one is held or missed together): too narrow", "1.8 times as wide would have held 50 %",
                      "too high (bias +0.25", "(2 of 3)", "a &lt;b&gt;reason"):
            self.assertIn(words, section)
        self.assertNotIn("another", section)
        odd = {**test, "forecasts": [None, {}, {**of, "programme": 3}], "bias": "high", "coverage": None, "why": 7}
        program.write(self.path("out", "backtest.json"), json.dumps(odd))
        self.uptake("report", self.path("out"))
        self.assertIn("is of a programme of this run", program.read(self.path("out", "report.html")).decode())

    def test_the_growth_ledger_stands_apart_and_published_figures_beside(self):
        self.uptake("run", "growth", "--replicates", "4", "-o", "out", "--quiet")
        page = program.read(self.path("out", "report.html")).decode()
        self.assertRegex(page, r'<p class="finding">From 1 April 2020 to 31 March 2023, the companies that the networks supported')
        self.assertLess(page.index('<section id="growth"'), page.index('<section id="gross-to-net"'))
        said = program.read(self.path("out", "summary.txt")).decode()
        self.assertRegex(said, r"^Over 2020-04-01 to 2023-03-31 the companies that the networks supported")
        self.assertLess(said.index("Growth ledger"), said.index("the programme avoided"))
        growth = page.split('<section id="growth"')[1].split("</section>")[0]
        self.assertRegex(growth, r'<th scope="row">\d{4}/\d\d, part: (from|to) ', "a year of some days is called so")
        for words in ("self-reported and gross", "never added to anything about health", "Companies supported",
                      "Investment reported", "Value of additional jobs", "identity set to the published 3.96"):
            self.assertIn(words, growth)
        outcomes = page.split('<section id="outcomes"')[1].split("</section>")[0]
        self.assertNotIn("Investment", outcomes)
        with open(self.path("out", "summary.json"), encoding="utf-8") as file:
            figures = json.load(file)["published"]
        published = page.split('<section id="published"')[1].split("</section>")[0]
        self.assertEqual(published.count('scope="row"'), len(figures))
        for figure, row in zip(figures, published.split('scope="row"')[1:]):
            self.assertIn(figure["note"], row.replace("&amp;", "&"))
            self.assertIn(f'<td class="n">{figure["gross"]["mean"] / figure["published"]:.2f}</td>', row)

    def test_is_made_again_the_same_and_asks_for_a_run(self):
        text = self.made()
        os.remove(self.path("out", "report.html"))
        self.uptake("report", self.path("out"))
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            self.assertEqual(file.read(), text)
        self.uptake("report", self.path("nothing"), code=3)

    def test_results_are_opened_once_whatever_is_made_of_them(self):
        self.made("--replicates", "3")
        results = self.path("out", "results.h5")
        libc = ctypes.CDLL(None, use_errno=True)
        read, opened = 0x01, 0x20  # IN_ACCESS, IN_OPEN
        # A study looks at once whether the place of the folder is its own, and later makes the page.
        study = ["sensitivity", program.MINIMAL, "--method", "one-way", "--replicates", "2", "-o", "out"]
        for words, times in ((["report", "out"], 1), (["report", "out", "--cheers"], 1), (study, 2)):
            watch = libc.inotify_init1(os.O_NONBLOCK)
            try:
                self.assertGreaterEqual(libc.inotify_add_watch(watch, results.encode(), read | opened), 0)
                self.uptake(*words)
                seen = [mask for _, mask, _, _ in struct.iter_unpack("iIII", os.read(watch, 1 << 16))]
                self.assertEqual(seen.count(opened), 2 * times, "for its seal, and by the library of the format")
            finally:
                os.close(watch)

    def test_counts_and_lists_the_parameters_and_sources_that_a_run_uses(self):
        self.uptake("run", program.CARE_HOMES, "--replicates", "2", "-o", "out", "--quiet")
        page = program.read(self.path("out", "report.html")).decode().replace("<wbr>", "")
        with h5py.File(self.path("out", "results.h5")) as file:
            rows = {key.decode(): (acts, grade.decode(), source.decode()) for key, acts, grade, source in
                    zip(*(file["parameters/" + name][()] for name in ("key", "acts", "grade", "source")))}
        # One programme has nobody to compete with; homes are no teaching hospitals; nobody made a community of practice.
        for idle in ("implementation.attention_half_point", "differences.beta_teaching", "peers.added_community", "uptake.start"):
            self.assertEqual(rows[idle][0], 0, idle)
        for acting in ("bass.p", "facilitation.eta", "effect.relative_risk", "economy.cashable_share"):
            self.assertEqual(rows[acting][0], 1, acting)
        n_used, n_assumed = (sum(1 for acts, grade, _ in rows.values() if acts and grade in grades)
                             for grades in (("read", "derived", "assumption"), ("assumption",)))
        self.assertLess(n_used, len(rows) - 20)
        self.assertIn(f"What this rests on: {n_assumed} of {n_used} parameters are assumptions</h2>", page)
        self.assertIn(f"Of the {n_used} parameters that this run uses, ", page)
        section = page.split('<section id="assumptions"')[1].split("</section>")[0]
        used, idle = section.split("<summary>Not used in this run (")
        idle, lists = idle.split("</details>", 1)
        self.assertTrue(idle.startswith(f"{len(rows) - n_used} parameters)"), idle[:60])
        for key, (acts, _, _) in rows.items():
            self.assertEqual(f'<th scope="row">{key}</th>' in used, acts == 1, key)
            self.assertEqual(f'<th scope="row">{key}</th>' in idle, acts == 0, key)
        # A source that only unused parameters cite is no source of this page.
        cited_by = lambda wanted: {code for acts, _, source in rows.values() if acts == wanted  # noqa: E731
                                   for code in re.findall(r"\bS\d+\b", source)}
        only_idle = {code for code in cited_by(0) - cited_by(1) if code not in page.split('<section id="assumptions"')[0]}
        self.assertTrue(only_idle)
        for code in only_idle:
            self.assertNotIn(f'<th scope="row">{code}</th>', lists)

    def test_a_time_between_regions_is_not_called_a_time_to_first_use(self):
        between, within = "Months from the first region&#39;s first use to the last region&#39;s", '"row">Months to the first use<'
        page = self.made("--replicates", "5")
        escaped = between if between in page else html.unescape(between)
        self.assertIn(escaped, page)
        self.assertNotIn(within, page)
        region = re.search(r'"places":\[".*?","(.*?)"', page)[1]
        page = self.made("--replicates", "5", "--overwrite", "--set", f'focus="{region}"')
        self.assertIn(within, page)
        self.assertNotIn(escaped, page)

    def test_a_harm_is_no_benefit_that_could_be_smaller(self):
        row = "a benefit"
        self.assertIn("Chance that the benefit would be smaller", self.made("--replicates", "5"))
        harm = self.made("--replicates", "5", "--overwrite", "--set", "effect.relative_risk=1.5", "--set", "parameters=defaults")
        self.assertIn(" added", harm.split('class="finding">')[1].split("</p>")[0])
        self.assertNotIn("Chance that the benefit would be smaller", harm, row)

    def test_hostile_titles_are_text(self):
        title = 'Run <script>alert(1)</script> & "others"'
        scenario = self.scenario.replace("title = ", "# ", 1)
        lines = scenario.splitlines()
        lines.insert(1, "title = '" + title + "'")
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        program.write(self.path("minimal.toml"), "\n".join(lines) + "\n")
        self.uptake("run", "minimal.toml", "-o", "out", "--quiet")
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("<script>alert", text)
        self.assertIn("Run &lt;script&gt;", text)


@unittest.skipUnless(webdriver and CHROMIUM and DRIVER, "needs chromium, chromium-driver and python3-selenium")
class InABrowser(program.ProgramTest):
    def open_page(self, *names):
        options = Options()
        options.binary_location = CHROMIUM
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000",
                     f"--user-data-dir={self.path('profile')}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.addCleanup(driver.quit)
        driver.get("file://" + self.path(*names))
        return driver

    def browse(self):
        self.uptake("run", program.CARE_HOMES, "--replicates", "6", "-o", self.path("out"), "--quiet")
        self.uptake("sensitivity", program.CARE_HOMES, "--method", "one-way", "--replicates", "2", "--quiet", "-o",
                    self.path("out"))
        return self.open_page("out", "report.html")

    def resize(self, driver, width):
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        time.sleep(0.3)  # charts are drawn again for the new width

    def assert_nothing_is_cut(self, driver):
        """No name of a drawing is cut, and no head of a row is squeezed to a letter a line."""
        cut = "return [...document.querySelectorAll('svg text')].filter(t => { const a = t.getBoundingClientRect(), " \
              "b = t.ownerSVGElement.getBoundingClientRect(); return a.width > 0 && (a.left < b.left - 1 || " \
              "a.right > b.right + 1); }).map(t => t.textContent)"
        squeezed = "return [...document.querySelectorAll('tbody th')].map(e => [e.getBoundingClientRect().width, " \
                   "e.textContent]).filter(([width, text]) => width > 0 && width < 75 && text.length > 8)"
        overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for width in (1280, 768, 390):
            self.resize(driver, width)
            self.assertEqual(driver.execute_script(cut), [], width)
            self.assertEqual(driver.execute_script(squeezed), [], width)
            self.assertLessEqual(driver.execute_script(overflow), 0, width)
        # On a desk's screen all columns of every table are in sight, those of folded ones too.
        hidden = "document.querySelectorAll('details').forEach(d => { d.open = true; }); " \
                 "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)" \
                 ".map(e => e.getAttribute('aria-label'))"
        self.resize(driver, 1280)
        self.assertEqual(driver.execute_script(hidden), [])
        self.resize(driver, 390)
        # On a telephone the net, or what is lost or differs, or the model beside what was published, stands in sight with its interval before a table is scrolled.
        unseen = "document.querySelectorAll('details').forEach(d => { d.open = true; }); " \
                 "return [...document.querySelectorAll('table')].flatMap(t => { const head = [...t.querySelectorAll('thead th')]; " \
                 "const at = head.findIndex(c => /\\bnet\\b|^difference|^model$/.test(c.textContent)); " \
                 "const last = head[at + 1] && head[at + 1].textContent === '90 %' ? at + 1 : at; " \
                 "return at >= 0 && head[last].getBoundingClientRect().right > innerWidth ? [t.caption.textContent] : []; })"
        self.assertEqual(driver.execute_script(unseen), [])
        headed = "return [...document.querySelectorAll('thead tr')].map(r => r.textContent).filter(t => /net|difference/.test(t)).length"
        self.assertGreater(driver.execute_script(headed), 0)
        # A table that goes on behind an edge has a shadow there; at the end of the way the cover lies on it.
        shadows = "return [...document.querySelectorAll('.scroll')].filter(e => !/local.*scroll/.test(getComputedStyle(e).backgroundAttachment))" \
                  ".length"
        self.assertEqual(driver.execute_script(shadows), 0)
        # On a page of A4 (182 mm between margins) every column is printed, and no shadow.
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        self.resize(driver, 688)
        cut = "return [...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > innerWidth + 1)" \
              ".map(t => t.caption.textContent)"
        self.assertEqual(driver.execute_script(cut), [])
        self.assertEqual(driver.execute_script("return getComputedStyle(document.querySelector('.scroll')).backgroundImage"), "none")
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        self.resize(driver, 390)
        # What can be scrolled can be reached by keyboard (axe-core: scrollable-region-focusable), and has a name.
        unreachable = "return [...document.querySelectorAll('.scroll, pre')].filter(e => e.tabIndex !== 0 || " \
                      "!e.getAttribute('aria-label')).length"
        self.assertEqual(driver.execute_script(unreachable), 0)

    def test_sources_of_a_page_are_those_that_it_cites(self):
        folder = self.path("scenarios")
        shutil.copytree(program.SCENARIOS, folder)
        text = program.read(program.CARE_HOMES).decode()
        for source in ("O-network-2023", "Our own audit, 2024", "S40"):
            text += f'\n[[published]]\nmetric = "adopters"\nto = 2022-03-31\nvalue = 2\nsource = "{source}"\n'
        program.write(os.path.join(folder, "own.toml"), text)
        self.uptake("run", os.path.join(folder, "own.toml"), "--replicates", "2", "-o", self.path("own"), "--quiet")
        page = program.read(self.path("own", "report.html")).decode()
        before, lists = page.split("<summary>Sources on this page (", 1)
        lists = lists.split("</section>")[0]
        self.assertNotIn("<summary>", lists, "all parameters of one programme stand on the page: nothing is elsewhere")
        rows = {}
        for row in re.findall(r'<tr><th scope="row">(.*?)</tr>', lists):
            key, note, address = [html.unescape(re.sub("<.*?>", "", cell)) for cell in re.split("</th>|</td>", row)[:3]]
            rows.setdefault(key, []).append((note, address))
        self.assertEqual(int(lists[:lists.index(")")]), sum(map(len, rows.values())))
        self.assertEqual(rows.pop("in words"), [("Our own audit, 2024", "")])
        self.assertEqual(rows["O-network-2023"][0][1], "no public address")
        for key, [(note, address)] in rows.items():
            self.assertTrue(note and address, key)
            self.assertRegex(before, rf"(?<![\w-]){key}(?![\w-])")
        self.assertLess(len(rows), 60)

    def test_programmes_of_a_page_are_chosen_and_its_maps_follow(self):
        text = program.read(program.CARE_HOMES).decode().replace(
            'programmes = ["care-home-deterioration"]', 'programmes = ["care-home-deterioration", "pincer"]')
        folder = self.path("scenarios")
        shutil.copytree(program.SCENARIOS, folder)
        program.write(os.path.join(folder, "two.toml"), text)
        self.uptake("run", os.path.join(folder, "two.toml"), "--replicates", "3", "-o", self.path("two"), "--quiet")
        page = program.read(self.path("two", "report.html")).decode()
        self.assertIn('<section id="programmes"', page)
        self.assertIn("(QALYs) gained (1 of 2 programmes)</th>", page, "of care homes none are known")
        self.assertNotIn("Value of what is avoided, cash and capacity, GBP\u00a0m (", page, "of both it is")
        self.assertRegex(page, r"<th[^>]*>Social value, GBP\u00a0m</th>", "QALYs of one, and savings of both")
        self.assertIn("events avoided", page)
        self.assertRegex(" ".join(program.read(self.path("two", "summary.txt")).decode().split()),
                         r"Not all of the 2 programmes are in every total: people reached 1, .*cost, all funders 1, ",
                         "pincer's effort ended before, so nothing is spent on it")
        # The second time as in a page of more programmes, whose data leave the small pictures of single ones out.
        driver = self.open_page("two", "report.html")
        for _ in range(2):
            tile = lambda: driver.find_element("css selector", "[data-tiles=region] g.tile text.value").text  # noqa: E731
            together = tile()
            key = driver.find_element("id", "published-key")
            self.assertFalse(key.is_displayed(), "nothing was published of both together")
            driver.execute_script("const s = document.getElementById('programme'); s.value = 0; "
                                  "s.dispatchEvent(new Event('change'))")
            self.assertNotEqual(tile(), together)
            self.assertTrue(key.is_displayed())
            self.assertEqual(len(driver.find_elements("css selector", "#multiples svg")), 15)
            self.assertIn("Managing deterioration in care homes", driver.find_element("css selector", "#multiples svg").get_attribute(
                "aria-label"))
            self.assertEqual([e for e in driver.get_log("browser") if e["level"] == "SEVERE"], [])
            data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1).replace("<\\/", "</"))
            for values in data["regional"]["values"]:
                if values:
                    values[:2] = [None, None]
            page = re.sub(r'(id="data">).*?(</script>)', lambda m: m[1] + json.dumps(data) + m[2], page, flags=re.S)
            program.write(self.path("two", "report.html"), page)
            driver.get("file://" + self.path("two", "report.html"))

    def test_a_comparison_is_drawn_and_nothing_of_it_is_cut(self):
        self.uptake("compare", program.MINIMAL, "--replicates", "30", "-o", self.path("side"), "--quiet")
        driver = self.open_page("side", "compare.html")
        self.assertGreaterEqual(len(driver.find_elements("css selector", "[data-forest] g.row")), 3)
        # What drawings write themselves (axes, hints) keeps as many digits as tables do; d3 has a minus of its own.
        for value, text in ((-0.0746, "-0.075"), (0.00952, "0.01"), (0.00748, "0.0075"), (0.096, "0.1"), (0, "0"), (46.25, "46.3")):
            self.assertEqual(driver.execute_script(f"return draw.number({value})").replace("\u2212", "-"), text)
        self.assert_nothing_is_cut(driver)
        self.assertEqual([e for e in driver.get_log("browser") if e["level"] == "SEVERE"], [])

    def test_a_long_name_of_a_result_is_not_cut_from_its_study(self):
        self.uptake("run", "focus-adhd", "--replicates", "2", "-o", self.path("out"), "--quiet")
        self.uptake("sensitivity", "focus-adhd", "--method", "one-way", "--replicates", "2", "--quiet", "-o", self.path("out"))
        driver = self.open_page("out", "report.html")
        said = driver.execute_script("return [...document.querySelectorAll('#tornado > svg > text')].map(t => t.textContent).join(' ')")
        self.assertEqual(said, "Days sooner to diagnosis or treatment, all people (net)")
        self.assert_nothing_is_cut(driver)

    def test_the_page_of_many_programmes_cuts_no_name(self):
        self.uptake("run", "portfolio-2018-2023", "--replicates", "2", "-o", self.path("many"), "--quiet")
        driver = self.open_page("many", "report.html")
        self.assertEqual(len(driver.find_elements("css selector", "#displacement [data-forest] g.row")), 12)
        self.assert_nothing_is_cut(driver)
        page = program.read(self.path("many", "report.html")).decode()
        self.assertIn("an organisation counts once for each programme", page)
        self.assertIn("Of the 34 programmes the worth of 14 is known, and the cost of all that state one.", page)
        self.assertRegex(page, r"<summary>Money rests on \d+ defaults of the program, ", "a long list hides no table")
        notes, folded = page.split('<section id="notes"')[1].split("</section>")[0].split("<details>", 1)
        self.assertNotIn("care-home", notes, "notes on one of many are not among those on all")
        self.assertRegex(folded, r"^<summary>\d+ notes on single programmes</summary>")
        self.assertIn("<li>Managing deterioration in care homes: The delivered effort", folded)
        for words in ("“no-programme”: neither commissioned nor supported.", "Each strategy against “as-delivered”, in the same worlds",
                      "“attention-off” is the same as “as-delivered” with attention unlimited: no programme competes with another."):
            self.assertIn(words, page)
        self.assertRegex(page, r"<summary>Sources on this page \(\d+\)</summary>")
        self.assertRegex(page, r"<summary>Sources of the model that are not on this page, but in results.h5 \(\d+\)</summary>")
        self.assertIn("discounted to the start, money by 3.5 % a year and QALYs by 1.5 %", page)

    def test_draws_its_charts_and_follows_the_slider(self):
        driver = self.browse()
        count = lambda selector: len(driver.find_elements("css selector", selector))  # noqa: E731
        self.assertEqual(count("#waterfall g.bar"), 3)
        self.assertEqual(count("[data-tiles=region] g.tile"), 15)
        self.assertEqual(count("[data-tiles=board] g.tile"), 42)
        self.assertEqual(count("#places details:nth-of-type(2) tbody tr"), 42)  # a table says what the map of boards shows
        self.assertEqual(count("#multiples svg"), 15)
        self.assertGreaterEqual(count("[data-fan] svg"), 3)
        self.assertEqual(count("[data-fan=adopters] path.median"), 2)
        self.assertGreater(count("#tornado g.bar"), 3)

        when = driver.find_element("id", "map-time")
        before = when.text
        tile = driver.find_element("css selector", "[data-tiles=region] g.tile text.value")
        share = tile.text
        slider = driver.find_element("id", "map-slider")
        slider.send_keys(Keys.HOME)
        self.assertNotEqual(when.text, before)
        self.assertNotEqual(tile.text, share)
        slider.send_keys(Keys.ARROW_RIGHT)

        self.assertEqual([e for e in driver.get_log("browser") if e["level"] == "SEVERE"], [])
        asked = [json.loads(e["message"])["message"] for e in driver.get_log("performance")]
        urls = {m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"}
        self.assertEqual({u for u in urls if not u.startswith(("file://", "data:", "chrome://"))}, set())

        # Every drawing has a name, and a table or a list says the same beside it.
        unnamed = "return [...document.querySelectorAll('svg')].filter(s => s.getAttribute('role') !== 'img' || " \
                  "!s.getAttribute('aria-label')).length"
        self.assertEqual(driver.execute_script(unnamed), 0)

        # Nothing is wider than a screen, a telephone or a sheet of paper, folded away or not.
        self.assert_nothing_is_cut(driver)
        small = "return Math.min(...[...document.querySelectorAll('[data-fan] svg, #waterfall svg')]" \
                ".map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width))"
        self.assertGreater(driver.execute_script(small), 0.95, "text keeps its size on a telephone")
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        paper = 688  # A4 less margins, in CSS pixels
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": paper, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
        wide = "return [...document.querySelectorAll('table, svg, pre')].filter(e => " \
               "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.textContent.slice(0, 60))"
        self.assertEqual(driver.execute_script(wide), [])
        closed = "return [...document.querySelectorAll('details table')].filter(e => " \
                 "e.getBoundingClientRect().height < 5).length"
        self.assertEqual(driver.execute_script(closed), 0, "paper cannot be unfolded")


if __name__ == "__main__":
    program.main()
