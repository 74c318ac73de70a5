"""What the program prints about scenarios/minimal.toml, line by line as in tests/golden.

After a change that is meant, UPTAKE_UPDATE_GOLDEN=1 in the environment of this test writes the files anew; the
difference then shows in the commit. Numbers may differ by 1e-9 of themselves: log and exp of C libraries and
processors do, in the last digits. Usage: golden_test.py PROGRAM SOURCE_FOLDER
"""

import difflib
import math
import os
import re

import program

GOLDEN = os.path.join(program.SOURCE, "tests", "golden")
UPDATE = os.environ.get("UPTAKE_UPDATE_GOLDEN") == "1"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def same_line(a, b):
    """Equal but for the last digits of long numbers."""
    if a == b:
        return True
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    pairs = zip(NUMBER.findall(a), NUMBER.findall(b))
    return all(x == y or (max(len(x), len(y)) > 9 and math.isclose(float(x), float(y), rel_tol=1e-9, abs_tol=1e-12))
               for x, y in pairs)


def differences(golden, got, name):
    """A unified diff of two lists of lines; empty when they are the same."""
    if len(golden) == len(got):
        got = [a if same_line(a, b) else b for a, b in zip(golden, got)]
    return "\n".join(difflib.unified_diff(golden, got, f"golden/{name}", "now", lineterm="", n=1))


class Golden(program.ProgramTest):
    def compare(self, name, text):
        self.assertNotIn(program.SOURCE, text, "golden text holds no path of the machine")
        file = os.path.join(GOLDEN, name)
        if UPDATE:
            program.write(file, text)
        difference = differences(program.read(file).decode().splitlines(), text.splitlines(), name)
        if difference:
            self.fail(f"{name} is not as it was (UPTAKE_UPDATE_GOLDEN=1 if that is meant):\n{difference[:8000]}")

    def run_minimal(self):
        return self.uptake("run", program.MINIMAL, "-o", "out", "--threads", 2)

    def test_the_headline_table(self):
        done = self.run_minimal()
        self.compare("minimal_headline.txt", done.stdout)
        self.assertEqual(program.read(self.path("out", "summary.txt")).decode(), done.stdout)

    def test_the_summary_of_england(self):
        # Regions and the other strategies would make 1,700 lines more; json_test.py adds regions up to England.
        self.run_minimal()
        lines = program.read(self.path("out", "summary.csv")).decode().split("\r\n")
        self.compare("minimal_summary.txt", "\n".join([lines[0], *(x for x in lines if x.startswith("as-delivered,") and ",England," in x)]) + "\n")

    def test_the_parameters(self):
        self.compare("minimal_params.txt", self.uptake("params", "scenarios/minimal.toml", cwd=program.SOURCE).stdout)

    def test_the_library(self):
        self.compare("list_programmes.txt", self.uptake("list", "--programmes").stdout)
        self.compare("list_outcomes.txt", self.uptake("list", "--outcomes").stdout)

    def test_the_comparison_sees_what_differs_and_overlooks_last_digits(self):
        line = "a,b,0.12345678901234567,2"
        self.assertEqual(differences([line], ["a,b,0.12345678901234599,2"], "x"), "")
        for other in ("a,b,0.12345679,2", "a,b,0.12345678901234567,3", "a,c,0.12345678901234567,2",
                      "a,b,-0.12345678901234567,2", "a,b,0.12345698901234567,2"):
            self.assertIn(f"-{line}\n+{other}", differences([line], [other], "x"))
        self.assertIn("+more", differences([line], [line, "more"], "x"))


program.main()
