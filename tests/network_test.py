"""A network that is exported and read back by a program of another language gives the same world."""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
SCENARIO = SOURCE / "bench" / "bass-on-network.toml"
spec = importlib.util.spec_from_file_location("replay", SOURCE / "bench" / "replay.py")
replay = importlib.util.module_from_spec(spec)
spec.loader.exec_module(replay)


def expected(folder):
    return [int(node["week"]) if node["week"] != "" else None for node in replay.rows(folder, "nodes.csv")]


class Network(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def uptake(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False)

    def export(self, scenario, *sets):
        into = self.folder / f"network-{len(list(self.folder.iterdir()))}"
        options = [part for text in sets for part in ("--set", text)]
        done = self.uptake("export", scenario, "--network", into, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([pathlib.Path(line).name for line in done.stdout.split()][:4],
                         ["nodes.csv", "ties.csv", "weeks.csv", "effort.csv"])
        return into

    def test_a_plain_process_is_the_same_for_every_graph_and_a_changed_tie_is_noticed(self):
        for graph in ("ring", "small-world", "random"):
            folder = self.export(SCENARIO, f'population={{ synthetic = 400, degree = 6, graph = "{graph}", weights = "random" }}',
                                 "horizon=\"260 weeks\"", "bass.q=0.04 /week")
            self.assertIn("These files decide the world", (folder / "README.md").read_text())
            weeks = expected(folder)
            self.assertGreater(sum(week is not None for week in weeks), 200)
            self.assertEqual(replay.adoption_weeks(folder), weeks)
            ties = (folder / "ties.csv").read_text().splitlines()
            self.assertEqual(len(ties), 1 + 400 * 6)
            # Weights of each receiver sum to 1 exactly, and the same comparison rejects a graph with the arrows turned.
            turned = [ties[0]] + [",".join([to, frm, layer, weight])
                                  for frm, to, layer, weight in (line.split(",") for line in ties[1:])]
            sums = {}
            for line in ties[1:]:
                _, to, _, weight = line.split(",")
                sums[to] = sums.get(to, 0) + float(weight)
            self.assertEqual(set(sums.values()), {1.0})
            (folder / "ties.csv").write_text("\n".join(turned) + "\n")
            if graph != "ring":
                self.assertNotEqual(replay.adoption_weeks(folder), weeks)

    def test_all_stages_groups_and_effort_are_in_the_files(self):
        # One attempt each, so that nothing is left out that could move a first use.
        folder = self.export(SOURCE / "scenarios" / "minimal.toml", "parameters=\"defaults\"", "sustainment.mu1=0 /year",
                             "sustainment.mu2=0 /year", "implementation.phi=0.999", "bass.p=2 /year")
        weeks = expected(folder)
        found = replay.adoption_weeks(folder)
        self.assertGreater(sum(week is not None for week in weeks), 6)
        self.assertEqual(found, weeks)

    def test_what_cannot_be_exported_is_said(self):
        many = self.uptake("export", "portfolio-2018-2023", "--network", self.folder / "x")
        self.assertEqual(many.returncode, 2)
        self.assertIn("a network file holds the process of one", many.stderr)
        self.assertFalse((self.folder / "x").exists())
        neither = self.uptake("export", "minimal")  # then results are meant
        self.assertEqual(neither.returncode, 3)
        self.assertIn("run its scenario into this folder", neither.stderr)
        two = self.uptake("export", "minimal", "--network", self.folder / "x", "-o", self.folder / "z")
        self.assertEqual(two.returncode, 2)
        self.assertIn("--network names its own; leave out one of the two", two.stderr)
        both = self.uptake("export", "minimal", "--csv", "--network", self.folder / "x")
        self.assertEqual(both.returncode, 2)
        listed = self.uptake("export", "minimal", "--network", self.folder / "y", "--json")
        self.assertEqual(len(json.loads(listed.stdout)["files"]), 6)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
