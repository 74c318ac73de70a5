"""What the program says and leaves behind when it is given what it cannot use: exit code, one line a problem on
stderr, nothing on stdout, nothing half-written. Usage: bad_inputs_test.py PROGRAM SOURCE_FOLDER"""

import json
import os
import re
import resource
import shutil
import stat
import subprocess

import program

HEADER = "code,name,type,region,board,latitude,longitude,size,quintile,nursing,owner,parent\n"
HOMES = ("A,Ash,care-home,North,N1,54,-1,30,1,,,\nB,Birch,care-home,North,N1,54.1,-1,20,2,,,\n"
         "C,Cedar,care-home,South,S1,51,-1,40,3,,,\n")
TIES = "from,to,layer,weight\nA,B,geography,1\n"


class BadInputs(program.ProgramTest):
    def refused(self, words, message, code=2, **options):
        """The program refuses, says so by `message`, prints no result and leaves the folder as it was."""
        before = self.everything()
        done = self.uptake(*words, code=code, **options)
        self.assertEqual(done.stdout, "", words)
        self.assertIn(message, done.stderr, words)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith("error: "), line)
        self.assertNotIn("internal fault", done.stderr)
        self.assertEqual(self.everything(), before, f"{words} left something behind")
        return done

    def everything(self):
        found = {}
        for folder, _, files in os.walk(self.folder):
            found[folder] = None
            found.update((os.path.join(folder, name), program.read(os.path.join(folder, name))) for name in files)
        return found

    def minimal(self, *options):
        return ["run", program.MINIMAL, "--replicates", 3, "-o", "out", *options]

    def test_a_setting_is_no_option(self):
        said = self.uptake("run", "minimal", "--set", "--seed=1", "-o", "out", code=2).stderr
        self.assertIn("--set", said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_files_that_are_no_scenario(self):
        os.mkdir(self.path("folder"))
        program.write(self.path("latin.toml"), "schema = 1\ntitle = \"Pfl\xe4ge\"\n".encode("latin-1"))
        program.write(self.path("binary.toml"), bytes(range(256)))
        program.write(self.path("empty.toml"), "")
        for command in ("run", "validate", "params"):
            self.refused([command, "folder"], "folder: cannot read: it is a folder; name a file in it", code=3)
            self.refused([command, "no/such.toml"], "no/such.toml: cannot read: No such file or directory", code=3)
            self.refused([command, "latin.toml"], "latin.toml:2:12: is not TOML: Encountered invalid utf-8 sequence")
            self.refused([command, "binary.toml"], "binary.toml:1:")
            self.refused([command, "empty.toml"], "empty.toml:1:1: schema is missing; add schema = 1")
        # All files and all problems are named, and the gravest decides the exit code.
        done = self.refused(["validate", "no/such.toml", "empty.toml", "latin.toml"], "latin.toml:2:", code=2)
        self.assertIn("no/such.toml", done.stderr)
        self.assertGreater(done.stderr.count("empty.toml:1:1: "), 4)

    def test_numbers_that_cannot_be(self):
        for options, message in {
            ("--set", "replicates=0"): "replicates = 0 is out of range (must be in [1, 1000000])",
            ("--set", "horizon=\"6000 weeks\""): "horizon = 6000 weeks is out of range (must be in [1, 5200] weeks)",
            ("--set", "horizon=\"1e300 weeks\""): "horizon",
            ("--set", "seed=-1"): "seed = -1 is out of range",
            ("--set", "bass.q=\"7 /week\""): "must be in [0, 5] 1/year); did you mean \"/year\"?",
            ("--set", "bass.z=1"): "unknown parameter \"bass.z\"; did you mean \"bass.p\"?",
            ("--set", "bass.q"): "is not of the form key=value",
            ("--threads", "0"): "--threads: Value 0 not in range 1 to 4096",
            ("--threads", "-1"): "--threads: Value -1 not in range 1 to 4096",
            ("--threads", "abc"): "--threads: Value abc not in range 1 to 4096",
            ("--threads", "99999999999999999999"): "--threads",
            ("--seed", "abc"): "error: --seed: seed is a text, must be a whole number",
            ("--seed", "99999999999999999999"):
                "error: --seed: seed = 99999999999999999999 is out of range (must be in [0, 9223372036854775807])",
            ("-o", ""): "--output",
            ("--thread", "2"): "--thread: is not an option; did you mean \"--threads\"?",
            ("--overwite",): "--overwite: is not an option; did you mean \"--overwrite\"?",
        }.items():
            self.refused(["run", program.MINIMAL, *options], message)
        for replicates in ("0", "-3", "1e9", "many", "1.5"):
            self.refused(["run", program.MINIMAL, f"--replicates={replicates}"], "error: --replicates: replicates ")
        # What cannot be read is said with what is wrong, and is 3 only by itself.
        done = self.refused(["run", program.MINIMAL, "--posterior", "no.h5", "--seed", "x", "--set", "bass.z=1"], "--seed")
        self.assertEqual(len(done.stderr.splitlines()), 3, done.stderr)
        self.assertIn("error: no.h5: does not exist; make it with `uptake calibrate`", done.stderr)

    def with_tables(self, organisations=HEADER + HOMES, ties=TIES):
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"), dirs_exist_ok=True)
        shutil.copy(program.MINIMAL, self.path("s.toml"))
        program.write(self.path("minimal", "organisations.csv"), organisations)
        program.write(self.path("minimal", "ties.csv"), ties)

    def test_tables_that_contradict_themselves(self):
        self.with_tables()
        self.uptake("validate", "s.toml")
        cyclic = HOMES.replace("30,1,,,\n", "30,1,,,B\n").replace("20,2,,,\n", "20,2,,,A\n")
        for organisations, ties, message in (
                (HEADER + HOMES + "B,Again,care-home,North,N1,54,-1,9,1,,,\n", TIES,
                 "organisations.csv:5:1: code \"B\" is already at "),
                (HEADER + HOMES, TIES + "A,Nobody,geography,1\n",
                 "ties.csv:3:3: tie to \"Nobody\", which is no organisation of organisations.csv"),
                (HEADER + cyclic, TIES, "parents go round in a circle: A -> B -> A"),
                (HEADER + HOMES.replace("Ash", "\udcff"), TIES, "organisations.csv:2:3: byte 0xFF is not UTF-8"),
                (HEADER, TIES, "organisations.csv: the table has no organisation"),
                ("", TIES, "organisations.csv:1:1: the table is empty")):
            with self.subTest(message):
                self.with_tables(organisations.encode(errors="surrogateescape"), ties)
                for command in ("validate", "run"):
                    self.refused([command, "s.toml"], message)
        os.remove(self.path("minimal", "organisations.csv"))
        self.refused(["run", "s.toml"], 's.toml:4:14: population = "minimal" is a folder without organisations.csv; docs/tables.md '
                                        "says what is in it")

    def test_folders_that_are_no_population(self):
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("tables"))
        os.mkdir(self.path("empty"))
        shutil.copytree(os.path.join(program.SCENARIOS, "england"), self.path("copy"))
        for name, message in {
            "empty": f'population = "{self.here("empty")}" is a folder without organisations.csv; docs/tables.md says what is in it',
            "copy": "is a folder without organisations.csv; it holds tables such as England is built from",
            "minimal": f"is neither \"england\" nor a folder; did you mean {program.SCENARIOS}/minimal, beside the scenario?",
            "englnd": "is neither \"england\" nor a folder; did you mean \"england\"?",
            "nowhere": f"put its tables in {self.here('nowhere')}",
            "tables/ties.csv": "nor a folder; it is a file: name the folder that it is in",
        }.items():
            for command in ("run", "validate", "params"):
                self.refused([command, program.MINIMAL, "--set", f"population={name}"], message)
            self.refused(["run", program.MINIMAL, "--set", f"population={{ name = '{name}', nearest = 5 }}"], message)
        self.refused(["run", program.MINIMAL, "--set", "parameters=no.h5"],
                     f'parameters = "{self.here("no.h5")}" names a file that is not there; make it with')
        self.refused(["run", program.MINIMAL, "--set", 'programmes=["no.toml"]'],
                     f'there is no programme file "{self.here("no.toml")}"; write its path, or the name of a shipped programme')
        self.refused(["calibrate", "history", "--set", "population=nowhere", "-o", "out"], f"put its tables in {self.here('nowhere')}")
        self.refused(["calibrate", "history", "--set", "observations=no.csv", "-o", "out"], f"{self.here('no.csv')}: cannot be opened",
                     code=3)

    def here(self, name):
        return os.path.join(os.path.realpath(self.folder), name)

    def test_a_path_that_is_typed_starts_where_one_is(self):
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("desk", "tables"))
        program.write(self.path("far", "s.toml"), program.read(program.MINIMAL).replace(
            b"minimal/example-tool.toml", os.path.join(program.SCENARIOS, "minimal", "example-tool.toml").encode()))
        desk = self.path("desk")
        options = ["../far/s.toml", "--replicates", 4, "--set", "population=tables"]
        self.uptake("run", *options, "-o", "out", cwd=desk)
        # The results hold the path from the scenario's folder, and every command goes on with it.
        page = program.read(self.path("desk", "out", "report.html")).decode()
        self.assertIn("--set population=../desk/tables", page)
        for task in (0, 1):
            self.uptake("run", *options, "--task", f"{task}/2", "-o", "parts", cwd=desk)
        self.uptake("merge", "desk/parts", "-o", "merged")
        self.assertEqual(program.read(self.path("merged", "results.h5")), program.read(self.path("desk", "out", "results.h5")))
        script = self.uptake("slurm", *options, "--tasks", 2, cwd=desk).stdout
        self.assertIn(f"--set population={self.here('desk/tables')}", script)
        self.uptake("export", *options[:1], "--network", "net", *options[3:], cwd=desk)
        self.assertIn(b"--set population=tables", program.read(self.path("desk", "net", "README.md")))
        self.assertIn("the population tables", self.uptake("compare", *options, cwd=desk).stdout)

    def test_something_else_where_the_results_should_go(self):
        program.write(self.path("out"), "a file of the user")
        self.refused(self.minimal(), "choose another folder with -o", code=3)
        self.refused([*self.minimal(), "-o", "out/deeper"][:-2], "out", code=3)
        os.remove(self.path("out"))
        program.write(self.path("out", ".parts"), "a file of the user")
        self.refused(self.minimal(), "choose another folder with -o", code=3)
        # What is in the way of one file of the result is not removed either, and the finished replicates are kept.
        for name in ("results.h5", "summary.csv", "summary.json", "summary.txt", "run.json"):
            with self.subTest(name):
                shutil.rmtree(self.path("out"))
                program.write(self.path("out", name, "kept"), "of the user")
                done = self.uptake(*self.minimal(), code=3)
                self.assertEqual(done.stdout, "")
                self.assertIn(f"out/{name}", done.stderr)
                self.assertEqual(program.read(self.path("out", name, "kept")), b"of the user")
                shutil.rmtree(self.path("out", name))
                if os.path.exists(self.path("out", ".parts")):
                    self.assertIn("3 of 3 replicates were finished before",
                                  self.uptake(*self.minimal("--resume")).stderr)

    def test_what_keeps_a_file_from_being_written_is_said_as_it_is(self):
        self.uptake(*self.minimal())
        program.write(self.path("file"), "of the user")
        os.makedirs(self.path("folder", "compare.html", "kept"))
        for words, message in {
            ("compare", "out", "-o", "file"): "file: cannot make the folder: Not a directory; a file is in the way of a folder",
            ("compare", "out", "-o", "folder", "--overwrite"):
                "folder/compare.html: cannot put in place: Is a directory; a folder is in the way of a file",
            ("report", "out", "--cheers", "-o", "file/c.md"): "Not a directory; a file is in the way of a folder",
        }.items():
            self.refused(words, message, code=3)

    def test_names_that_are_not_text(self):
        bad = os.fsencode(self.folder) + b"/n\xff.toml"
        shutil.copytree(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        shutil.copy(program.MINIMAL, bad)

        def run(*words):
            done = subprocess.run([os.fsencode(program.PROGRAM), *words], cwd=self.folder, capture_output=True)
            return done.returncode, done.stderr.decode(errors="replace")
        code, err = run(b"run", bad, b"--replicates", b"2")
        self.assertEqual(code, 2, err)
        self.assertIn("the name of the file is not UTF-8, and results hold it; rename it", err)
        # The folder may be called anything; what says how it was made replaces what is no text.
        code, err = run(b"run", os.fsencode(program.MINIMAL), b"--replicates", b"2", b"-o", b"o\xff", b"--quiet")
        self.assertEqual(code, 0, err)
        with open(os.fsencode(self.folder) + b"/o\xff/run.json", encoding="utf-8") as file:
            self.assertIn("o\ufffd", json.load(file)["command"])

    def test_what_is_no_file_is_not_replaced_by_one(self):
        self.uptake(*self.minimal())
        os.mkfifo(self.path("pipe"))
        program.write(self.path("target"), "of the user")
        os.symlink("target", self.path("link"))
        done = self.uptake("report", "out", "--cheers", "--overwrite", "-o", "pipe", code=3)
        self.assertIn("pipe: is a device or a pipe, and no file that could be replaced", done.stderr)
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path("pipe")).st_mode))
        os.remove(self.path("pipe"))
        self.uptake("report", "out", "--cheers", "--overwrite", "-o", "link")
        self.assertEqual(os.readlink(self.path("link")), "target")
        self.assertIn(b"CHEERS", program.read(self.path("target")))
        # A result that is named by its file is the folder's.
        self.uptake("report", "out/results.h5")
        self.assertEqual(self.uptake("export", "out/results.h5", "--csv").stdout.splitlines()[-1], "out/csv/dictionary.csv")
        for words in (["export", "out", "--csv", "-o", ""], ["export", program.MINIMAL, "--network", ""],
                      ["report", "out", "--cheers", "-o", ""], ["run", program.MINIMAL, "--posterior", ""],
                      ["sensitivity", program.MINIMAL, "--method", "one-way", "-o", ""], ["calibrate", "history", "-o", ""]):
            self.refused(words, "names no file or folder")

    def test_more_organisations_than_memory(self):
        limit = 3 << 29
        self.refused(["run", program.MINIMAL, "--set", "population={synthetic=40000000,degree=20}"],
                     "memory: there is not enough for this; ask for fewer organisations",
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))

    def test_a_folder_of_files_that_are_no_result(self):
        program.write(self.path("out", "thesis.txt"), "of the user")
        program.write(self.path("out", "run.json"), "{ this is not JSON")
        self.refused(self.minimal(), "holds another result")
        self.uptake(*self.minimal("--overwrite"))
        self.assertEqual(program.read(self.path("out", "thesis.txt")), b"of the user")

    def test_runs_that_cannot_be_read_are_listed(self):
        os.makedirs(self.path("results", "a folder", "run.json"))
        program.write(self.path("results", "not JSON", "run.json"), "{")
        program.write(self.path("results", "a file"), "")
        out = self.uptake("list").stdout
        self.assertIn("results/a folder", out)
        self.assertIn("results/not JSON", out)
        self.assertNotIn("results/a file", out)

    def test_a_folder_that_may_only_be_read(self):
        os.mkdir(self.path("out"))
        script = f"'{program.PROGRAM}' run '{program.MINIMAL}' --replicates 3 -o out"
        if os.geteuid() == 0:  # whom permissions do not stop, but a file system does
            script = f"mount -t tmpfs -o ro none out && {script}"
            if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", self.path("out")]).returncode != 0:
                self.skipTest("root without the right to mount")
            script = f"unshare -m sh -c \"{script}\""
        else:
            os.chmod(self.path("out"), 0o500)
        done = subprocess.run(["sh", "-c", script], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
        self.assertRegex(done.stderr, r"^error: out/\.parts: .*; choose a folder that you may write to with -o\n$")

    def sizes_of_a_run(self):
        """Bytes of each file of a whole result by name, and of its part file."""
        self.uptake("run", program.MINIMAL, "-o", "whole")
        estimate = self.uptake("run", program.MINIMAL, "-o", "x", "--dry-run", "--json")
        return ({name: os.path.getsize(self.path("whole", name)) for name in os.listdir(self.path("whole"))},
                json.loads(estimate.stdout)["part_file_bytes"])

    def test_what_is_named_and_not_there_cannot_be_read_whatever_the_command(self):
        os.mkdir(self.path("empty"))
        for words in ("run nowhere", "run nowhere.toml", "run empty", "run minimal --posterior nowhere",
                      "validate nowhere.toml", "params nowhere", "compare nowhere", "compare minimal nowhere/",
                      "compare empty", "merge nowhere", "merge nowhere -o out", "merge empty -o out",
                      "report nowhere", "report empty", "report nowhere --cheers", "export nowhere --csv",
                      "export empty --csv", "export nowhere --network net", "slurm nowhere --tasks 2",
                      "sensitivity nowhere --method one-way", "calibrate nowhere", "backtest nowhere --cutoff 2019",
                      "backtest history --leave-out pincer --posterior nowhere", "import ods nowhere.csv -o out",
                      "import ods etr.csv gp nowhere.csv -o out", "import ods empty -o out", "import cqc empty -o out"):
            with self.subTest(words):
                refused = self.uptake(*words.split(), code=3)
                self.assertRegex(refused.stderr, r"^error: (nowhere|empty|etr)[^\n]*\n$")
                self.assertEqual(refused.stdout, "")
        self.assertEqual(os.listdir(self.folder), ["empty"])
        both = self.uptake("import", "ods", "etr.csv", "gp", "nowhere.csv", "-o", "out", code=3)
        self.assertIn("etr.csv: does not exist, nor does nowhere.csv; name files", both.stderr)

    def test_a_full_disk(self):
        # The limit on file sizes breaks every file of the result off in turn, the largest first.
        sizes, parts = self.sizes_of_a_run()
        for limit in (parts // 2, max(sizes.values()) // 2, 20, 0):
            with self.subTest(limit):
                done = self.uptake("run", program.MINIMAL, "-o", "out", "--quiet", code=3,
                                   preexec_fn=lambda: self.limit_files(limit))
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"^error: out/.*\(ulimit -f\)")
                left = [name for name in os.listdir(self.path("out")) if name != ".parts"]
                self.assertEqual(left, [], "half-written")
                self.uptake("run", program.MINIMAL, "-o", "out", "--quiet", "--overwrite" if limit < 40 else "--resume")
                self.assertEqual(program.read(self.path("out", "results.h5")),
                                 program.read(self.path("whole", "results.h5")))
                shutil.rmtree(self.path("out"))

    @staticmethod
    def limit_files(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    def test_a_disk_that_fills_up(self):
        if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
            self.skipTest("no right to make a small disk")
        os.mkdir(self.path("disk"))
        run = f"'{program.PROGRAM}' run '{program.MINIMAL}' -o disk/out"
        # Full in the middle of each file in turn.
        sizes, parts = self.sizes_of_a_run()
        h5, table, text = (sizes[name] for name in ("results.h5", "summary.csv", "summary.json"))
        for size in (65536, parts // 2, parts + h5 // 2, parts + h5 + table // 2, parts + h5 + table + text // 2):
            with self.subTest(size):
                done = subprocess.run(
                    ["unshare", "-rm", "sh", "-c",
                     f"mount -t tmpfs -o size={size} none disk && {run}; code=$?; (cd disk/out && stat -c '%n %s' $(ls -A)) >&2; "
                     f"mount -o remount,size=64m disk && {run} --resume --quiet >/dev/null || exit 99; exit $code"],
                    cwd=self.folder, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
                # A slow machine has time to say how far it is.
                said = [line for line in done.stderr.splitlines() if not re.match(r"\d+ of \d+ replicates ", line)]
                self.assertRegex(said[0], r"^error: .*(No space left|disk)")
                # What there was room for is whole; page and tables are written side by side, so any of them may be there.
                left = {name: int(n) for name, n in (line.split() for line in said[1:])}
                self.assertEqual([name for name in left if name.startswith(".")], [".parts"], "half-written")
                self.assertEqual("results.h5" in left, size > parts + h5)
                self.assertNotIn("run.json", left)
                for name in left.keys() & {"results.h5", "summary.csv", "summary.json", "summary.txt"}:
                    self.assertEqual(left[name], sizes[name], f"{name} is half-written")
        # Of a run that is put together from tasks: room for the replicates, and none to lay them out by cell; and room for
        # that, but then none for the results.
        least = parts + sum(sizes.values()) + (1 << 20)
        self.assertLess(least, 2 * parts)
        tasks = " && ".join(f"{run} --quiet --task {task}/2" for task in (0, 1))
        for room in (least, 2 * parts + sizes["results.h5"] // 2):
            with self.subTest(room=room):
                done = subprocess.run(
                    ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o size={room} none disk && {tasks} && "
                                                   f"'{program.PROGRAM}' merge disk/out -o disk/out && "
                                                   "cmp disk/out/results.h5 whole/results.h5"],
                    cwd=self.folder, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stderr, "no room in disk/out for another .* MB .*: reading takes longer\n")

    def test_a_reader_that_does_not_read(self):
        for command in (self.minimal(), self.minimal("--json"), ["params"], ["list"], ["licences"], ["--help"],
                        ["--version"], ["verify", "--help"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([program.PROGRAM, *map(str, command)], cwd=self.folder, stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 3, command)
            self.assertIn("error: stdout: ", done.stderr)

    def test_nobody_hears_what_is_wrong(self):
        for command, code in ((["run", "nosuch"], 3), (self.minimal("--seed", "x"), 2), (self.minimal("--quiet"), 0)):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([program.PROGRAM, *map(str, command)], cwd=self.folder, stdout=subprocess.PIPE,
                                      stderr=full)
            self.assertEqual(done.returncode, code, command)


program.main()
