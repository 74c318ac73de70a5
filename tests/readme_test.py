"""Every command in the code blocks of README.md does what it says, in a folder that looks like the repository's root.
Runs are made short by --replicates. Usage: readme_test.py PROGRAM SOURCE_FOLDER"""

import os
import re
import subprocess
import sys

import program


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Readme(program.ProgramTest):
    def shell(self, command):
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stderr}")
        self.assertTrue(done.stdout, command)
        return done.stdout

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
        for command in re.findall(r"`(ncdump [^`]*)`", readme):
            self.assertIn("group: replicates", self.shell(command))


program.main()
