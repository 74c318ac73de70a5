"""Every command in the code blocks of README.md does what it says, in a folder that looks like the repository's root.
Runs are made short by --replicates. Usage: readme_test.py PROGRAM SOURCE_FOLDER"""

import os
import re
import subprocess
import sys

import program


HAS_RHDF5 = subprocess.run(["sh", "-c", "Rscript -e 'library(rhdf5)'"], capture_output=True).returncode == 0


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Readme(program.ProgramTest):
    def shell(self, command):
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stderr}")
        self.assertTrue(done.stdout, command)
        return done.stdout

    def test_the_output_and_the_picture_are_those_of_the_first_command(self):
        readme = program.read(os.path.join(program.SOURCE, "README.md")).decode()
        shown = re.search(r"^```text\n(Over .*?)^```$", readme, re.MULTILINE | re.DOTALL)[1].split("...\n")
        printed = self.uptake("run", "care-homes", "-o", "out").stdout
        self.assertTrue(printed.startswith(shown[0]), printed[:2000])
        at = 0
        for part in shown:
            at = printed.find(part, at)
            self.assertGreaterEqual(at, 0, part)
        figure = os.path.join(program.SOURCE, "docs", "examples", "figure.py")
        subprocess.run([sys.executable, figure, self.path("out", "results.h5"), self.path("fan.svg")], check=True,
                       stdout=subprocess.DEVNULL)
        number = re.compile(r"-?\d+(?:\.\d+)?")
        committed, drawn = (program.read(file).decode() for file in
                            (os.path.join(program.SOURCE, "docs", "care-homes.svg"), self.path("fan.svg")))
        self.assertIn("(docs/care-homes.svg)", readme)
        self.assertEqual(number.sub("#", committed), number.sub("#", drawn))
        for a, b in zip(number.findall(committed), number.findall(drawn)):
            self.assertAlmostEqual(float(a), float(b), delta=0.11)  # a tenth is the last digit of a point

    def test_every_command(self):
        os.symlink(program.PROGRAM, self.path("uptake"))
        os.symlink(program.SCENARIOS, self.path("scenarios"))
        readme = program.read(os.path.join(program.SOURCE, "README.md")).decode()
        commands = [line.split("  #")[0].strip() for block in blocks(readme, "sh") for line in block.splitlines()]
        commands = [command for command in commands if command]
        self.assertGreater(len(commands), 5)
        for command in commands:
            self.assertTrue(command.startswith("./uptake "), command)
            if command == "./uptake test" or command.startswith("./uptake verify"):
                continue  # this very suite, whose word script.sh tests; and what takes long and json_test.py runs
            simulates = command.split()[1] in ("run", "compare", "sensitivity")
            fits = command.split()[1] in ("calibrate", "backtest")
            shorter = " --replicates 3" if simulates else " --budget 1500 --particles 300" if fits else ""
            out = self.shell(command + shorter)
            if command.startswith("./uptake run ") and "--dry-run" not in command:
                self.assertIn("Means over 3 replicates", out)

        # What a run leaves is what the table of files says, and it opens as the README opens it.
        results = readme.split("## Results")[1].split("\n## ")[0]
        table = re.findall(r"^\| (`[^|]*`) \|", results, re.MULTILINE)
        documented = sorted(re.findall(r"`([^`]+)`", " ".join(table)))
        self.assertEqual(sorted(os.listdir(self.path("results", "care-homes"))), documented)
        for block in blocks(readme, "python"):
            program.write(self.path("block.py"), block)  # as typed at the prompt: every line shows its value
            shown = self.shell(f"{sys.executable} -i < block.py 2>&1")
            self.assertIn("region", shown)
            self.assertNotIn("Error", shown)
        for block in blocks(readme, "r") if HAS_RHDF5 else []:
            program.write(self.path("block.R"), block)
            self.assertRegex(self.shell("Rscript block.R"), r"month +net\n1 +20")
        for command in re.findall(r"`(ncdump [^`]*)`", readme):
            self.assertIn("group: replicates", self.shell(command))


program.main()
