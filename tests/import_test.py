"""From registers to a result as people do it: import, then run. With UPTAKE_PUBLIC_DATA set to a folder of registers as
published, what is kept of those is counted a second time here. Usage: import_test.py PROGRAM SOURCE_FOLDER"""

import csv
import glob
import json
import os
import unittest
from collections import Counter

import program

PUBLIC = os.environ.get("UPTAKE_PUBLIC_DATA", "")
TABLES = ["boards.csv", "organisations.csv", "regions.csv"]


def ods(*fields):
    """A row of 27 fields, given as {place: text}."""
    return "".join(",".join(f'"{row.get(k, "")}"' for k in range(27)) + "\r\n" for row in fields)


TRUSTS = ods({0: "R0A", 1: "TRUST ONE", 2: "Y62", 3: "QOP"}, {0: "R0B", 1: "TRUST TWO", 2: "Y63", 3: "QHM"},
             {0: "RQF", 1: "WALES", 2: "W00", 3: "Q99"})
PRACTICES = ods(*({0: f"P{k:05}", 1: f"PRACTICE {k}", 2: "Y62", 3: "QOP" if k % 2 else "QHM", 12: "A" if k % 9 else "C",
                   14: "14L" if k % 2 else "16C", 25: "4" if k % 5 else "9"} for k in range(40)))
SIZES = "TYPE,CODE,SEX,AGE,NUMBER_OF_PATIENTS\n" + "".join(f"GP,P{k:05},ALL,ALL,{5000 + k}\n" for k in range(40))
HOMES = ("Location Name,Location ID,Location Local Authority,Service Types,Care homes beds,Dormant,Provider ID,Brand ID\n"
         + "".join(f"Home {k},1-{k},{'Bolton' if k % 2 else 'Durham'},Care home service with nursing,{20 + k},N,1-9,\n"
                   for k in range(30)))


def public(pattern):
    found = sorted(glob.glob(os.path.join(PUBLIC, pattern))) if PUBLIC else []
    if not found:
        raise unittest.SkipTest(f"no {pattern} in UPTAKE_PUBLIC_DATA")
    return found[0]


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def records(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


class Import(program.ProgramTest):
    def setUp(self):
        super().setUp()
        for name, text in {"etr.csv": TRUSTS, "epraccur.csv": PRACTICES, "sizes.csv": SIZES, "homes.csv": HOMES}.items():
            program.write(self.path(name), text)
        self.words = ["import", "ods", "etr.csv", "epraccur.csv", "gp", "sizes.csv", "cqc", "homes.csv", "-o", "tables"]

    def test_import_then_run(self):
        done = self.uptake(*self.words)
        self.assertIn("epraccur.csv (ODS epraccur: GP practices and prescribing sites): 40 rows, 28 kept, 12 dropped\n"
                      "         5  closed, first P00000\n"
                      "         7  no GP practice (prescribing setting is not 4), first P00005\n", done.stdout)
        self.assertIn("population = \"tables\"", done.stdout)
        self.assertEqual(sorted(os.listdir(self.path("tables"))), TABLES)
        program.write(self.path("minimal", "example-tool.toml"),
                      program.read(os.path.join(program.SCENARIOS, "minimal", "example-tool.toml")))
        scenario = program.read(program.MINIMAL).decode()
        self.assertIn('population = "minimal"', scenario)
        program.write(self.path("s.toml"), scenario.replace('population = "minimal"', 'population = "tables"'))
        self.uptake("validate", "s.toml")
        rows_found = json.loads(self.uptake("run", "s.toml", "--replicates", 5, "-o", "out", "--json").stdout)["metrics"]
        self.assertEqual({row["region"] for row in rows_found},
                         {"England", "Health Innovation Manchester", "Health Innovation North East and North Cumbria"})
        engaged = [row["mean"] for row in rows_found if row["metric"] == "engaged" and row["region"] == "England"]
        self.assertTrue(engaged and 0 < max(engaged) <= 30, engaged)

    def test_a_part_of_england_is_not_taken_for_the_whole_in_silence(self):
        self.uptake(*self.words)
        found = self.uptake("validate", "pincer", "--set", f"population={self.path('tables')}").stderr
        self.assertIn("the results of pincer are of the 28 organisations of this population that it is open to: what its file states "
                      "of the 6,892 of England (effect.baseline_events, cost.delivery_staff_days) is taken in proportion", found)
        rows = json.loads(self.uptake("run", "pincer", "--set", "population=tables", "--replicates", 2, "-o", "out",
                                      "--json").stdout)["metrics"]
        self.assertLessEqual(max(row["mean"] for row in rows if row["unit"] == "organisations"), 28)
        notes = " ".join(program.read(self.path("out", "summary.txt")).decode().split())
        self.assertIn("of the 6,892 of England", notes)
        self.assertIn("cost.delivery_staff_days = 26.8137 staff-days/year", notes)
        # What was counted in all of England does not stand beside 28 practices.
        self.assertFalse(os.path.exists(self.path("out", "published.csv")))
        self.uptake("export", "out", "--csv")
        dictionary = program.read(self.path("out", "csv", "dictionary.csv")).decode()
        self.assertIn("England = all of the population tables", dictionary)
        self.assertNotIn("health innovation networks", dictionary)
        # A programme that names no number is of all of England's organisations of its kind.
        found = self.uptake("validate", "spectra-optia", "--set", "population=tables").stderr
        self.assertRegex(found, r"the results of spectra-optia are of the \d+ organisations? of this population that it is open to: what "
                                r"its file states of the \d+ of England")
        self.assertNotIn("pincer.toml", notes)

    def test_json_and_overwriting(self):
        facts = json.loads(self.uptake(*self.words, "--json").stdout)
        self.assertEqual(facts["schema"], 1)
        self.assertEqual([(r["file"], r["read"], r["kept"]) for r in facts["registers"]],
                         [("etr.csv", 3, 2), ("epraccur.csv", 40, 28), ("sizes.csv", 40, 28), ("homes.csv", 30, 30)])
        self.assertEqual(facts["registers"][0]["dropped"], [{"reason": "not in England", "rows": 1, "first": "RQF"}])
        for register in facts["registers"]:
            self.assertEqual(register["read"], register["kept"] + sum(d["rows"] for d in register["dropped"]))
        self.assertEqual(facts["organisations"]["practice"],
                         {"n": 28, "without_size": 0, "at_coordinates": 0, "at_postcode": 0, "at_board_centroid": 28})
        before = {name: program.read(self.path("tables", name)) for name in TABLES}
        done = self.uptake(*self.words, code=2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr, "error: tables: holds tables already; choose another folder with -o, or replace them "
                                      "with --overwrite\n")
        os.utime(self.path("tables", "organisations.csv"), (0, 0))
        self.uptake(*self.words, "--overwrite")
        self.assertGreater(os.stat(self.path("tables", "organisations.csv")).st_mtime, 0)
        self.assertEqual(before, {name: program.read(self.path("tables", name)) for name in TABLES})
        self.assertFalse(os.path.exists(self.path("tables.tmp")))

    def test_usage(self):
        for words, message in ((["import"], "--output is required"), (["import", "-o", "t"], "subcommand"),
                               (["import", "od", "etr.csv", "-o", "t"], "od: is one argument too many; did you mean \"ods\"?"),
                               (["import", "ods", "-o", "t"], "FILE"), (["import", "ods", "etr.csv", "-o", ""], "names no file or folder"),
                               (["import", "ods", "sizes.csv", "-o", "t"], "let it begin with etr, ets, epraccur")):
            self.assertIn(message, self.uptake(*words, code=2).stderr)
        self.assertIn("none/etr.csv: does not exist; name files", self.uptake("import", "ods", "none/etr.csv", "-o", "t", code=3).stderr)
        program.write(self.path("etr.csv"), b"PK\x03\x04" + bytes(range(256)))
        self.assertIn("etr.csv:1:1: the file is a zip archive or a workbook (.ods, .xlsx), not CSV; ",
                      self.uptake(*self.words, code=2).stderr)
        program.write(self.path("etr.csv"), TRUSTS)
        program.write(self.path("file"), "")
        self.assertIn("error: file: cannot make the folder", self.uptake("import", "ods", "etr.csv", "-o", "file/t", code=3).stderr)
        self.assertFalse(os.path.exists(self.path("t")))
        self.assertFalse(os.path.exists(self.path("tables")))


class PublicRegisters(program.ProgramTest):
    def imported(self, *words):
        facts = json.loads(self.uptake("import", *words, "-o", "tables", "--json").stdout)
        kept = {}
        for row in records(self.path("tables", "organisations.csv")):
            kept.setdefault(row["type"], {})[row["code"]] = row
        return facts, kept

    def table(self, name):
        return records(os.path.join(program.SCENARIOS, "england", name))

    def test_trusts_and_practices(self):
        etr, epraccur = public("etr_*.csv"), public("epraccur_*.csv")
        sizes, mapping = public("gp-reg-pat-prac-all*.csv"), public("gp-reg-pat-prac-map*.csv")
        facts, kept = self.imported("ods", etr, epraccur, "gp", sizes, mapping)

        trusts = {row[0] for row in rows(etr) if row[3] != "Q99" and not row[11]}
        found = {code for kind, by_code in kept.items() if kind.endswith("-trust") for code in by_code}
        self.assertEqual(found, trusts)
        # The table that ships was made of the same register.
        self.assertEqual({row["code"] for row in self.table("trusts.csv")}, trusts)
        self.assertEqual(len(kept["maternity-unit"]), sum(int(row["maternity_units"]) for row in self.table("trusts.csv")))

        practices = {row[0]: row for row in rows(epraccur) if row[12] == "A" and row[25] == "4" and row[2].startswith("Y")}
        self.assertEqual(kept["practice"].keys(), practices.keys())
        self.assertEqual(Counter(row["board"] for row in kept["practice"].values()),
                         {row["code"]: int(row["practices"]) for row in self.table("boards.csv")})
        patients = {row["CODE"]: row["NUMBER_OF_PATIENTS"] for row in records(sizes)}
        networks = {row["PRACTICE_CODE"]: row["PCN_CODE"] for row in records(mapping)}
        for code, row in kept["practice"].items():
            self.assertEqual((row["name"], row["board"]), (practices[code][1], practices[code][3]))
            self.assertEqual(row["size"], patients.get(code, ""))
            self.assertEqual(row["network"], "" if networks.get(code, "U") == "U" else networks[code])
        self.assertEqual([r["kept"] for r in facts["registers"]],
                         [len(trusts), len(practices), len(practices.keys() & networks), len(practices.keys() & patients)])

    def test_care_homes(self):
        export = public("cqc_social_care_locations*.csv")
        facts, kept = self.imported("cqc", export)
        homes = {row["Location ID"]: row for row in records(export)
                 if "Care home service" in row["Service Types"] and row["Dormant"] == "N"}
        self.assertEqual(kept["care-home"].keys(), homes.keys())
        for code, row in kept["care-home"].items():
            self.assertEqual(row["size"], homes[code]["Care homes beds"])
            self.assertEqual(row["nursing"], str(int("with nursing" in homes[code]["Service Types"])))
        self.assertEqual(facts["registers"][0]["read"], len(records(export)))

    def test_the_sheet_of_active_locations(self):
        header = program.read(public("HSCA_Active_Locations_header*.csv")).decode().rstrip("\r\n")
        columns = next(csv.reader([header]))
        self.assertEqual(len(columns), 122)
        home = {"Location ID": "1-1", "Care home?": "Y", "Dormant (Y/N)": "N", "Location Local Authority": "Leeds",
                "Location Latitude": "53.8", "Location Longitude": "-1.5", "Care homes beds": "33", "Brand ID": "-",
                "Provider ID": "1-9", "Service type - Care home service with nursing": "Y"}
        self.assertLessEqual(home.keys(), set(columns))
        program.write(self.path("sheet.csv"), header + "\r\n" + ",".join(home.get(name, "") for name in columns) + "\r\n")
        _, kept = self.imported("cqc", "sheet.csv")
        row = kept["care-home"]["1-1"]
        self.assertEqual([row[name] for name in ("board", "size", "nursing", "owner", "latitude")],
                         ["QWO", "33", "1", "1-9", "53.8"])

    def test_admissions(self):
        etr, ae = public("etr_*.csv"), public("Monthly-AE-*.csv")
        facts, kept = self.imported("ods", etr, "ae", ae)
        trusts = {code for kind, by_code in kept.items() if kind.endswith("-trust") for code in by_code}
        wanted = {row["Org Code"]: (sum(int(row[name]) for name in row if name.startswith("A&E attendances")),
                                    sum(int(row[name]) for name in row if "mergency admissions" in name))
                  for row in records(ae) if row["Org Code"] in trusts}
        found = {row["code"]: (int(row["attendances"]), int(row["emergency_admissions"]))
                 for row in records(self.path("tables", "activity.csv"))}
        self.assertEqual(found, wanted)
        self.assertEqual(facts["registers"][1]["notes"], [])


if __name__ == "__main__":
    program.main()
