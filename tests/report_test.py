"""The page of a run in a real browser: marks are counted, the slider is moved, and nothing leaves the machine.

Usage: report_test.py PROGRAM SOURCE_FOLDER
"""

import html.parser
import json
import os
import re
import shutil
import unittest

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
        self.rows_without_head, self.lang, self.labels, self.inputs = 0, None, [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
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


class Page(program.ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scenario = program.read(program.MINIMAL).decode()

    def made(self, *more):
        self.uptake("run", program.MINIMAL, "-o", self.path("out"), "--quiet", *more)
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            return file.read()

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
        self.assertIn("not a product of the NHS", text)
        self.assertIn("Open Government Licence", text)

    def test_says_what_the_results_say(self):
        text = self.made()
        with open(self.path("out", "summary.json"), encoding="utf-8") as file:
            rows = json.load(file)["metrics"]
        metric = "admissions_avoided"
        net = next(r for r in rows if r["metric"] == metric and r["view"] == "net" and r["region"] == "England")
        finding = re.search(r'<p class="finding">(.*?)</p>', text).group(1)
        numbers = [float(n.replace(",", "")) for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?", finding)]
        self.assertTrue(any(abs(n - abs(net["mean"])) <= 0.006 * abs(net["mean"]) + 0.006 for n in numbers), finding)

    def test_every_measure_of_its_tables_is_in_the_metric_table(self):
        source = "".join(program.read(os.path.join(program.SOURCE, "analysis", name)).decode()
                         for name in ("report.cpp", "run_view.hpp"))
        known = set(re.findall(r'row\(Metric::(\w+), "\1"', program.read(
            os.path.join(program.SOURCE, "sim", "metrics.cpp")).decode()))
        self.assertGreater(len(known), 50)
        tables = "".join(re.findall(r"Rows\{\{\n(.*?)\}\};", source, re.S))
        named = set(re.findall(r'\{"(\w+)",? ', tables)) | set(re.findall(r'Course\{"(\w+)"', source))
        self.assertGreater(len(named), 35)
        self.assertEqual(named - known, set())

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

    def test_opens_with_the_focus_and_the_lead(self):
        lines = self.scenario.splitlines()
        lines.insert(1, 'focus = "North"')
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        program.write(self.path("minimal.toml"), "\n".join(lines) + "\n")
        self.uptake("run", "minimal.toml", "-o", "out", "--quiet", "--replicates", "4")
        text = program.read(self.path("out", "report.html")).decode()
        finding = re.search(r'<p class="finding">(.*?)</p>', text).group(1)
        self.assertIn(", in North, ", finding)

    def test_a_study_with_undefined_results_draws_no_bar_and_a_broken_one_is_not_run(self):
        self.made("--replicates", "4")
        row = {"parameter": "bass.q", "unit": "1/year", "grade": "assumption", "low": 0.1, "high": 0.5,
               "at_low": None, "at_high": 3.5}
        study = {"parameters": [row, {**row, "parameter": "bass.p", "at_low": 2.5}], "base": 3, "metric": "adopters"}
        for broken in ({**study, "base": None}, {**study, "parameters": [{**row, "low": None}]},
                       {**study, "parameters": {"a": 1}}, [1], {"parameters": []}):
            program.write(self.path("out", "sensitivity.json"), json.dumps(broken))
            self.uptake("report", self.path("out"))
            self.assertIn("Not run.", program.read(self.path("out", "report.html")).decode(), broken)
        program.write(self.path("out", "sensitivity.json"), json.dumps(study))
        self.uptake("report", self.path("out"))
        text = program.read(self.path("out", "report.html")).decode()
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S).group(1).replace("<\\/", "</"))
        self.assertEqual([bar["name"] for bar in data["tornado"]["bars"]], ["bass.p"])

    def test_is_made_again_the_same_and_asks_for_a_run(self):
        text = self.made()
        os.remove(self.path("out", "report.html"))
        self.uptake("report", self.path("out"))
        with open(self.path("out", "report.html"), encoding="utf-8") as file:
            self.assertEqual(file.read(), text)
        self.uptake("report", self.path("nothing"), code=3)

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
    def browse(self, width=1280):
        self.uptake("run", program.CARE_HOMES, "--replicates", "6", "-o", self.path("out"), "--quiet")
        self.uptake("sensitivity", program.MINIMAL, "--method", "one-way", "--replicates", "2", "--quiet", "-o",
                    self.path("out"))
        options = Options()
        options.binary_location = CHROMIUM
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},1000",
                     f"--user-data-dir={self.path('profile')}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.addCleanup(driver.quit)
        driver.get("file://" + self.path("out", "report.html"))
        return driver

    def test_draws_its_charts_and_follows_the_slider(self):
        driver = self.browse()
        count = lambda selector: len(driver.find_elements("css selector", selector))  # noqa: E731
        self.assertEqual(count("#waterfall g.bar"), 3)
        self.assertEqual(count("[data-tiles=region] g.tile"), 15)
        self.assertEqual(count("[data-tiles=board] g.tile"), 42)
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

    def test_fits_a_telephone(self):
        driver = self.browse(width=500)  # headless windows are no narrower
        overflow = driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertLessEqual(overflow, 0)


if __name__ == "__main__":
    program.main()
