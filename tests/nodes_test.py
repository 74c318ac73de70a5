"""One run shared by array tasks or by MPI ranks has the bytes of one process, whatever the split and whoever was killed.

Usage: nodes_test.py PROGRAM SOURCE_FOLDER [PROGRAM_WITH_MPI]
"""

import fcntl
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import program

RANKED = sys.argv.pop(3) if len(sys.argv) > 3 else ""
N = 40
HISTORY = os.path.join(program.SCENARIOS, "history.toml")
FILES = ["published.csv", "report.html", "results.h5", "summary.csv", "summary.json", "summary.txt"]
# A job that this very test may run in must not speak to the runs in it.
os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
for variable in [name for name in os.environ if name.startswith("SLURM_") or name in ("PMI_SIZE", "PMIX_RANK")]:
    del os.environ[variable]


@functools.cache
def references():
    """Files of one process, by scenario."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="uptake-test-") as folder:
        for scenario, n in ((program.MINIMAL, N), (program.CARE_HOMES, 12)):
            out = os.path.join(folder, str(n))
            subprocess.run([program.PROGRAM, "run", scenario, "--replicates", str(n), "-o", out], check=True,
                           capture_output=True)
            found[scenario] = {name: program.read(os.path.join(out, name)) for name in FILES
                               if os.path.exists(os.path.join(out, name))}
    return found


def commit_of(path):
    return json.loads(subprocess.run([path, "info", "--json"], capture_output=True, check=True).stdout)["commit"]


class Shared(program.ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.references = references()

    @staticmethod
    def words(*options, folder="out", scenario=program.MINIMAL, n=N):
        return ["run", scenario, "--replicates", str(n), "-o", folder, "--threads", "1", *map(str, options)]

    def task(self, i, n_tasks, *options, code=0, folder="out", **what):
        done = self.uptake(*self.words("--task", f"{i}/{n_tasks}", *options, folder=folder, **what), code=code)
        self.assertEqual(done.stdout, "")
        return done

    def parts(self, folder="out"):
        place = self.path(folder, ".parts")
        return sorted(os.listdir(place)) if os.path.isdir(place) else []

    def assert_result(self, folder="out", scenario=program.MINIMAL):
        for name, bytes_of_one in self.references[scenario].items():
            self.assertEqual(program.read(self.path(folder, name)) == bytes_of_one, True, name)


class Nodes(Shared):
    def test_any_split_gives_the_bytes_of_one_process(self):
        for n_tasks in (1, 2, 3, 5):
            with self.subTest(n_tasks=n_tasks):
                shutil.rmtree(self.path("out"), ignore_errors=True)
                for i in reversed(range(n_tasks)):
                    done = self.task(i, n_tasks)
                    self.assertIn(f"task {i} of {n_tasks}", done.stderr)
                self.assertEqual(os.listdir(self.path("out")), [".parts"])
                self.assertEqual(len(self.parts()), n_tasks)
                merged = self.uptake("merge", "out", "-o", "out")
                self.assertIn(f"Means over {N} replicates", merged.stdout)
                self.assert_result()
                self.assertEqual(self.parts(), [])

    def test_folders_and_part_files_of_tasks_are_merged_into_another_folder(self):
        for i in range(3):
            self.task(i, 3, folder=f"task-{i}")
        file = self.path("task-1", ".parts", self.parts("task-1")[0])
        merged = self.uptake("merge", "task-2", file, "task-0", "-o", "result", "--quiet")
        self.assertEqual(merged.stderr, "")
        self.assert_result("result")
        self.assertEqual(len(self.parts("task-1")), 1, "what is merged elsewhere stays")
        again = self.uptake("merge", "task-2", file, "task-0", "-o", "result")
        self.assertIn("already done", again.stderr)
        self.assertEqual(again.stdout, merged.stdout)

    def test_a_merged_folder_is_done_for_tasks_and_merge_alike(self):
        self.task(0, 1)
        first = self.uptake("merge", "out")
        again = self.uptake("merge", "out", "-o", "out")
        self.assertEqual(again.stdout, first.stdout)
        self.assertIn("already done and merged", self.task(0, 1).stderr)
        self.assertIn("already done and merged", self.task(1, 2, "--resume").stderr)
        self.assertEqual(self.parts(), [])

    def test_missing_replicates_are_named_with_the_command_that_makes_them(self):
        for i in (0, 2):
            self.task(i, 3, "--seed", "20180401")
        refused = self.uptake("merge", "out", "-o", "out", code=2)
        numbers = ", ".join(str(r) for r in range(1, N, 3))
        self.assertIn(f"replicates {numbers} are missing", refused.stderr)
        self.assertEqual(refused.stderr.count("error"), 1)
        self.assertEqual(os.listdir(self.path("out")), [".parts"])
        command = re.search(r"`([^`]*)`", refused.stderr)[1]
        self.assertIn("--task 1/3", command)
        subprocess.run(["sh", "-c", command], cwd=self.folder, check=True, capture_output=True)
        self.uptake("merge", "out", "-o", "out")
        subprocess.run([program.PROGRAM, *self.words("--seed", "20180401", folder="one")], cwd=self.folder, check=True,
                       capture_output=True)
        self.assertEqual(program.read(self.path("out", "results.h5")) == program.read(self.path("one", "results.h5")),
                         True)

    def test_shards_of_another_run_are_refused(self):
        self.task(0, 2, folder="a")
        self.task(1, 2, "--seed", 7, folder="b")
        refused = self.uptake("merge", "a", "b", "-o", "out", code=2)
        self.assertIn("belongs to another run", refused.stderr)
        self.assertFalse(os.path.exists(self.path("out")))
        for words, what in ((["nowhere", "a", "no", "-o", "out"], "nowhere: does not exist, nor does no;"),
                            (["a", "b"], "-o: is needed"), ([program.MINIMAL, "-o", "out"], "is not a part file")):
            refused = self.uptake("merge", *words, code=2 if "-o" in what else 3)
            self.assertIn(what, refused.stderr)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_damaged_part_files_are_named(self):
        for i in range(3):
            self.task(i, 3, folder=f"task-{i}")
        files = [self.path(f"task-{i}", ".parts", self.parts(f"task-{i}")[0]) for i in range(3)]
        whole = [program.read(file) for file in files]
        size = len(whole[1]) // len(range(1, N, 3))  # of a record, about
        program.write(files[0], whole[0][:30])
        program.write(files[1], whole[1][:-size // 2])
        spoilt = bytearray(whole[2])
        spoilt[-size // 2] ^= 1
        program.write(files[2], bytes(spoilt))
        refused = self.uptake("merge", "task-0", "task-1", "task-2", "-o", "out", code=2)
        for file, what in zip(files, ("it is cut off before its first replicate", "it is cut off;",
                                      "1 of its replicates cannot be read;")):
            self.assertIn(f"error: {os.path.relpath(file, self.folder)}: is damaged: {what}", refused.stderr)
        self.assertIn("--task 1/3 -o task-1 --resume", refused.stderr)
        self.assertIn(f"replicate {list(range(2, N, 3))[-1]} is missing", refused.stderr)
        self.assertIn("holds no whole part file", self.uptake("merge", "task-0", code=3).stderr)
        # What one file lost another may have.
        for i in range(3):
            self.task(i, 3, folder="again")
        merged = self.uptake("merge", "task-0", "task-1", "task-2", "again", "-o", "out")
        self.assertEqual(merged.stderr.count("warning: "), 3, merged.stderr)
        self.assertEqual(merged.stderr.count("nothing is missing"), 3, merged.stderr)
        self.assert_result()

    def test_a_scenario_that_moved_is_named_and_one_that_changed_is_refused(self):
        text = program.read(program.MINIMAL).decode()
        program.write(self.path("mine.toml"), text)
        os.symlink(os.path.join(program.SCENARIOS, "minimal"), self.path("minimal"))
        self.task(0, 1, scenario="mine.toml")
        program.write(self.path("else.toml"), text)
        os.remove(self.path("mine.toml"))
        self.assertIn("--scenario FILE", self.uptake("merge", "out", code=3).stderr)
        program.write(self.path("mine.toml"), text.replace('"105 weeks"', '"110 weeks"'))
        self.assertIn("is not what the part files were made of", self.uptake("merge", "out", code=2).stderr)
        os.makedirs(self.path("moved"))
        os.symlink(self.path("minimal"), self.path("moved", "minimal"))
        os.rename(self.path("else.toml"), self.path("moved", "mine.toml"))
        self.uptake("merge", "out", "--scenario", "moved/mine.toml")

    def test_resume_uses_part_files_of_any_split(self):
        self.task(1, 3)
        self.task(0, 4, "--resume")
        self.assertIn("holds an unfinished run", self.task(2, 4, code=2).stderr)
        kept = len({r for r in range(N) if r % 3 == 1 or r % 4 == 0})
        done = self.uptake(*self.words("--resume"))
        self.assertIn(f"{kept} of {N} replicates were finished before", done.stderr)
        self.assert_result()
        self.assertEqual(self.parts(), [])

    def test_replicates_beyond_those_asked_for_are_kept(self):
        self.task(0, 2)
        few = self.uptake(*self.words("--resume", n=1))
        self.assertIn("replicates beyond the first 1 are kept", few.stderr)
        self.assertEqual(len(self.parts()), 1)
        more = self.uptake(*self.words("--resume"))
        self.assertIn(f"{len(range(0, N, 2))} of {N} replicates were finished before", more.stderr)
        self.assert_result()
        self.assertEqual(self.parts(), [])

    def test_nobody_writes_results_where_another_process_does(self):
        self.task(0, 1)
        with open(self.path("out", ".writing"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            refused = self.uptake("merge", "out", code=3)
            self.assertIn("another process is writing results into this folder", refused.stderr)
        self.assertEqual(len(self.parts()), 1)
        self.uptake("merge", "out")
        self.assert_result()
        self.assertFalse(os.path.exists(self.path("out", ".writing")))

    def test_a_task_does_not_touch_what_others_made(self):
        self.uptake(*self.words("--seed", 7))
        other = program.read(self.path("out", "results.h5"))
        self.assertIn("holds another result", self.task(0, 2, code=2).stderr)
        self.task(1, 2, "--overwrite")
        self.task(0, 2, "--overwrite")
        self.task(0, 2, "--overwrite")
        self.assertEqual(len(self.parts()), 2)
        self.assertEqual(program.read(self.path("out", "results.h5")) == other, True)
        self.assertIn("holds another result", self.uptake("merge", "out", code=2).stderr)
        self.uptake("merge", "out", "--overwrite")
        self.assert_result()

    def test_no_task_is_refused_with_an_example(self):
        for text in ("3/3", "-1/3", "0/0", "1", "a/b", "0/3x", "1/99999999999"):
            with self.subTest(text):
                self.assertIn(f"--task: {text} is no task; write 0/4",
                              self.uptake(*self.words(f"--task={text}"), code=2).stderr)

    def test_more_tasks_than_replicates(self):
        for i in range(5):
            self.task(i, 5, n=3)
        self.assertEqual(len(self.parts()), 3)
        self.uptake("merge", "out")

    def start(self, *options, scenario=program.CARE_HOMES, n=12):
        return subprocess.Popen([program.PROGRAM, *self.words(*options, scenario=scenario, n=n)], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def signalled(self, number, *options):
        """A run that got a signal while it simulated: its end and what it said."""
        for _ in range(10):  # on a busy machine the signal may come after the last replicate
            with self.start(*options) as run:
                while run.poll() is None and not any(os.path.getsize(self.path("out", ".parts", name)) > 2000
                                                     for name in self.parts()):
                    time.sleep(0.001)
                run.send_signal(number)
                _, err = run.communicate(timeout=60)
            if run.returncode != 0:
                return run.returncode, err
            shutil.rmtree(self.path("out"))
        self.fail("the run ends before it can be stopped")

    def test_a_task_that_is_killed_is_resumed(self):
        code, _ = self.signalled(signal.SIGKILL, "--task", "0/2")
        self.assertEqual(code, -signal.SIGKILL)
        self.task(1, 2, scenario=program.CARE_HOMES, n=12)
        self.assertIn("--task 0/2", self.uptake("merge", "out", code=2).stderr)
        self.task(0, 2, "--resume", scenario=program.CARE_HOMES, n=12)
        self.uptake("merge", "out")
        self.assert_result(scenario=program.CARE_HOMES)

    def test_usr1_and_term_keep_what_is_finished(self):
        for number in (signal.SIGUSR1, signal.SIGTERM):
            shutil.rmtree(self.path("out"), ignore_errors=True)
            code, err = self.signalled(number)
            self.assertEqual(code, 4, err)
            self.assertRegex(err, r"interrupted: \d+ of 12 replicates are kept in out\. Go on with\n .* --resume\n")
            self.assertFalse(os.path.exists(self.path("out", "results.h5")))
        self.uptake(*self.words("--resume", scenario=program.CARE_HOMES, n=12))
        self.assert_result(scenario=program.CARE_HOMES)

    def test_another_result_that_comes_meanwhile_is_not_replaced(self):
        self.uptake(*self.words("--quiet", folder="other"))
        for _ in range(10):  # on a busy machine it may be over before it is stopped
            with self.start() as run:
                while run.poll() is None and not any(os.path.getsize(self.path("out", ".parts", name)) > 2000
                                                     for name in self.parts()):
                    time.sleep(0.001)
                run.send_signal(signal.SIGSTOP)
                is_early = run.poll() is None and not os.path.exists(self.path("out", ".writing"))
                if is_early:
                    shutil.copytree(self.path("other"), self.path("out"), dirs_exist_ok=True)
                run.send_signal(signal.SIGCONT)
                _, err = run.communicate(timeout=60)
            if is_early:
                break
            shutil.rmtree(self.path("out"))
        self.assertEqual(run.returncode, 2, err)
        self.assertIn("got another result while this run was under way, which is not replaced", err)
        self.assert_result("out")
        # Nothing of the run that came too late is lost.
        command = re.search(r"`([^`]*)`", err)[1].replace("ANOTHER_FOLDER", "elsewhere")
        subprocess.run(["sh", "-c", command], cwd=self.folder, check=True, capture_output=True)
        self.assert_result("elsewhere", program.CARE_HOMES)
        self.assert_result("out")

    def test_a_run_tells_how_far_it_is_to_the_end_of_writing(self):
        self.task(0, 1)
        done = self.uptake(*self.words("--resume", "--progress", "json"))
        steps = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
        last = {step.get("writing"): step for step in steps}
        self.assertEqual(list(last), ["replicates by cell", "statistics", "results.h5"])
        for what, step in last.items():
            self.assertEqual(step["done"], step["total"], what)
        self.assertGreater(last["results.h5"]["total"], 100)
        alone = self.uptake(*self.words("--progress", "json", folder="alone"))
        simulated = [json.loads(line) for line in alone.stderr.splitlines() if line.startswith('{"done"')]
        self.assertEqual((simulated[-1]["done"], simulated[-1]["total"]), (N, N))

    def test_processes_started_together_without_mpi_are_refused(self):
        for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
            environment = {**os.environ, variable: "2"}
            refused = self.uptake(*self.words(), code=2, env=environment)
            self.assertIn("2 processes: were started together", refused.stderr)
            self.uptake(*self.words("--task", "0/2", folder=variable), env=environment)

    def test_of_processes_started_together_the_first_alone_does_what_cannot_be_shared(self):
        self.uptake(*self.words("--quiet"))
        for rank, size in (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
                           ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")):
            for words in (["report", "out"], ["export", "out", "--csv"], ["compare", program.MINIMAL], ["params"],
                          ["merge", "out"], ["slurm", program.MINIMAL, "--tasks", "2"], ["--version"], ["--help"]):
                with self.subTest(size=size, words=words):
                    shutil.rmtree(self.path("out", "csv"), ignore_errors=True)
                    first = self.uptake(*words, env={**os.environ, rank: "0", size: "3"})
                    self.assertNotEqual(first.stdout, "")
                    if not words[0].startswith("-"):
                        self.assertIn(f"{words[0]}: 3 processes were started together, and the first does it alone",
                                      first.stderr)
                    shutil.rmtree(self.path("out", "csv"), ignore_errors=True)
                    other = self.uptake(*words, env={**os.environ, rank: "2", size: "3"})
                    self.assertEqual((other.stdout, other.stderr), ("", ""))
                    self.assertFalse(os.path.exists(self.path("out", "csv")))
            wrong = {**os.environ, size: "3"}
            self.assertIn("is not a command", self.uptake("reprot", code=2, env={**wrong, rank: "0"}).stderr)
            self.assertEqual(self.uptake("reprot", code=2, env={**wrong, rank: "1"}).stderr, "")

    def test_slurms_cores_limit_the_threads(self):
        words = [word for word in self.words("--threads", "2") if word != "1"]
        words.remove("--threads")
        done = self.uptake(*words, env={**os.environ, "SLURM_CPUS_PER_TASK": "1", "SLURM_JOB_ID": "9"})
        self.assertIn("--threads 2: this process may use 1 core, so 1 thread", done.stderr)
        self.assertRegex(done.stderr, r"rank +host +threads +NUMA +cores\n +0 ")
        self.assert_result()

    # ---- Slurm ----------------------------------------------------------------------------------------------------

    def script(self, *options, scenario=program.MINIMAL, n=N, folder="a folder"):
        text = self.uptake("slurm", scenario, "--tasks", 3, "-o", folder, "--replicates", n, *options).stdout
        program.write(self.path("job.sh"), text)
        for shell in ("sh", "bash"):
            subprocess.run([shell, "-n", "job.sh"], cwd=self.folder, check=True)
        return text

    def shell(self, *words, code=0, **environment):
        done = subprocess.run(["sh", "job.sh", *words], cwd=self.folder, capture_output=True, text=True, timeout=120,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_the_script_of_slurm_runs_every_task_and_the_merge(self):
        text = self.script("--cores", 2, "--partition", "short", "--account", "x")
        for line in ("--array=0-2", "--cpus-per-task=2", "--requeue", "--signal=B:USR1@120", "--partition=short",
                     "--account=x", "--dependency=afterok:$job"):
            self.assertIn(f"\n#SBATCH {line}\n", text)
        head = text[:text.index("\nset -eu\n")]
        self.assertNotIn("dependency", head, "the array waits for nobody")
        for task in ("1", "0", "2", "1"):
            self.shell(SLURM_ARRAY_TASK_ID=task)
        merged = self.shell("merge")
        self.assertIn(f"Means over {N} replicates", merged.stdout)
        self.assert_result("a folder")
        self.shell(SLURM_ARRAY_TASK_ID="1")

    def test_the_script_of_slurm_submits_the_merge_behind_the_array(self):
        self.script()
        program.write(self.path("tools", "sbatch"), "#!/bin/sh\nif [ $# -gt 1 ]; then echo \"$2\" >array; echo '17;here'; "
                                                    "else cat >merge; echo 18; fi\n")
        os.chmod(self.path("tools", "sbatch"), 0o755)
        done = self.shell(PATH=self.path("tools") + ":" + os.environ["PATH"])
        self.assertIn("submitted array 17 and merge 18", done.stdout)
        self.assertEqual(program.read(self.path("array")).decode().strip(), os.path.realpath(self.path("job.sh")))
        merge = program.read(self.path("merge")).decode()
        self.assertIn("\n#SBATCH --dependency=afterok:17\n", merge)
        for task in range(3):
            self.shell(SLURM_ARRAY_TASK_ID=str(task))
        subprocess.run(["sh", "merge"], cwd=self.folder, check=True, capture_output=True)
        self.assert_result("a folder")

    def test_a_task_whose_time_is_over_is_queued_again_and_one_that_is_cancelled_is_not(self):
        self.script(scenario=program.CARE_HOMES, n=300, folder="out")
        program.write(self.path("tools", "scontrol"), '#!/bin/sh\necho "$*" >>queued\n')
        os.chmod(self.path("tools", "scontrol"), 0o755)
        for number, queued in ((signal.SIGTERM, ""), (signal.SIGUSR1, "requeue 17_0\n")):
            environment = {**os.environ, "SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_JOB_ID": "17",
                           "PATH": self.path("tools") + ":" + os.environ["PATH"]}
            before = sum(os.path.getsize(self.path("out", ".parts", name)) for name in self.parts())
            with subprocess.Popen(["sh", "job.sh"], cwd=self.folder, env=environment, stderr=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True) as job:
                while job.poll() is None and sum(os.path.getsize(self.path("out", ".parts", name))
                                                 for name in self.parts()) < before + 20000:
                    time.sleep(0.001)
                job.send_signal(number)
                _, err = job.communicate(timeout=60)
            self.assertEqual(job.returncode, 4, err)
            self.assertIn("interrupted: ", err)
            written = program.read(self.path("queued")).decode() if os.path.exists(self.path("queued")) else ""
            self.assertEqual(written, queued)

    def test_a_script_of_a_bad_scenario_is_refused(self):
        self.uptake("slurm", "no-such", "--tasks", 2, code=3)
        both = self.uptake("slurm", program.MINIMAL, "--tasks", 201, "--time", "soon", code=2).stderr
        self.assertIn("soon is no time of Slurm", both)
        self.assertIn("201 tasks for 200 replicates", both)
        for time in ("90", "90:00", "1:30:00", "2-12", "2-12:30", "2-12:30:00"):
            self.uptake("slurm", program.MINIMAL, "--tasks", 2, "--time", time)
        # Told 120 s before its time is over, and up to a minute sooner, it would go round and round.
        for time in ("1", "4:59", "0:04:59", "0-0:4"):
            refused = self.uptake("slurm", program.MINIMAL, "--tasks", 2, "--time", time, "--memory", "2x",
                                  code=2)
            self.assertIn(f"--time: {time} is too short", refused.stderr)
            self.assertIn("--memory: 2x is no size of Slurm", refused.stderr)
        for time, memory in (("5", "0"), ("0:05:00", "500M"), ("0-0:5", "2GB"), ("0", "4096")):  # 0: no limit
            self.uptake("slurm", program.MINIMAL, "--tasks", 2, "--time", time, "--memory", memory)
        refused = self.uptake("slurm", program.MINIMAL, "--tasks", 2, "--partition", "a b", code=2)
        self.assertIn("is not one word", refused.stderr)
        self.uptake(*self.words("--seed", "7", "--quiet"))
        script = ("slurm", program.MINIMAL, "--tasks", 2, "-o", "out", "--replicates", N)
        self.assertIn("out: holds another result, beside which every task would refuse to begin",
                      self.uptake(*script, code=2).stderr)
        self.uptake(*script, "--seed", 7)  # done already: tasks and merge say so
        for n, said in ((1001, False), (1002, True)):
            text = self.uptake("slurm", program.MINIMAL, "--tasks", n, "--replicates", 2000).stdout
            self.assertEqual("MaxArraySize" in text, said)


@unittest.skipUnless(RANKED and os.access(RANKED, os.X_OK) and shutil.which("mpirun"), "no mpi build or no mpirun")
class Ranks(Shared):
    @classmethod
    def setUpClass(cls):
        if commit_of(RANKED) != commit_of(program.PROGRAM):  # which the page names
            raise unittest.SkipTest("the build for ranks is of another commit: UPTAKE_PRESET=mpi ./uptake --version")
        super().setUpClass()
        # OpenMPI's sockets live under TMPDIR, whose path has a limit.
        cls.short = tempfile.mkdtemp(prefix="u", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.short, ignore_errors=True)

    def launch(self, n_ranks, *options, before=(), words=None, **what):
        return subprocess.Popen(["mpirun", "--oversubscribe", "-n", str(n_ranks), *before, RANKED,
                                 *(words or self.words(*options, **what))],
                                cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "TMPDIR": self.short})

    def ranks(self, n_ranks, *options, code=0, **what):
        with self.launch(n_ranks, *options, **what) as job:
            out, err = program.ended(job, timeout=120)
        self.assertEqual(job.returncode, code, err)
        return out, err

    def own_ranks(self, job):
        """Process ids of the ranks of a job, by what started them."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf8") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                if parent == job.pid and os.readlink(f"/proc/{pid}/exe") == os.path.realpath(RANKED):
                    found.append(int(pid))
            except OSError:
                continue
        return sorted(found)

    def test_one_two_and_four_ranks_give_the_bytes_of_one_process(self):
        for n in (1, 2, 4):
            with self.subTest(n=n):
                shutil.rmtree(self.path("out"), ignore_errors=True)
                out, err = self.ranks(n)
                self.assert_result()
                self.assertEqual(self.parts(), [])
                self.assertEqual(out.count(f"Means over {N} replicates"), 1)
                if n > 1:
                    self.assertEqual(len(re.findall(r"^ +\d+  \S+ +1 ", err, re.MULTILINE)), n, err)
        out, err = self.ranks(2)
        self.assertEqual(err.count("already done"), 1)
        self.assertEqual(out.count("Means over"), 1)

    def test_ranks_go_on_with_what_tasks_left_and_tasks_with_theirs(self):
        self.task(1, 3)
        _, err = self.ranks(2, code=2)
        self.assertEqual(err.count("holds an unfinished run"), 1)
        self.ranks(2, "--resume")
        self.assert_result()

    def test_what_ranks_cannot_share_the_first_does_once(self):
        self.uptake(*self.words())
        page = program.read(self.path("out", "report.html"))
        os.remove(self.path("out", "report.html"))
        out, err = self.ranks(3, words=["report", "out"])
        self.assertEqual(out, "out/report.html\n")
        self.assertEqual(err.count("report: 3 processes were started together, and the first does it alone"), 1, err)
        self.assertEqual(program.read(self.path("out", "report.html")) == page, True)
        _, err = self.ranks(2, words=["report", "nowhere", "--quiet"], code=3)
        self.assertEqual(err.count("error: "), 1, err)

    def test_what_every_rank_finds_wrong_is_said_once(self):
        for options, code, said in ((["--posterior", "nowhere.h5"], 3, "nowhere.h5: does not exist"),
                                    (["--seed", "9" * 20], 2, "--seed: seed = 99999999999999999999 is out of range")):
            _, err = self.ranks(3, words=[*self.words(), *options], code=code)
            self.assertEqual(err.count("error: "), 1, err)
            self.assertIn("error: " + said, err)

    def test_an_error_of_one_rank_ends_all(self):
        # The second rank may write no large file. Its messages go by TCP, as shared memory would be such a file.
        limited = ["--mca", "btl", "tcp,self", "sh", "-c",
                   '[ "$OMPI_COMM_WORLD_RANK" = 0 ] || ulimit -f 8; exec "$@"', "sh"]
        _, err = self.ranks(2, before=limited, scenario=program.CARE_HOMES, n=12, code=3)
        self.assertEqual(err.count("error: "), 1, err)
        self.assertRegex(err, r"error: .*-1\.bin: cannot write")
        self.assertFalse(os.path.exists(self.path("out", "results.h5")))
        self.ranks(2, "--resume", scenario=program.CARE_HOMES, n=12)
        self.assert_result(scenario=program.CARE_HOMES)

    def stopped(self, n_ranks, act):
        """Ranks that something happened to while they simulated."""
        for _ in range(10):
            with self.launch(n_ranks, scenario=program.CARE_HOMES, n=12) as job:
                while job.poll() is None and (len(self.parts()) < n_ranks or any(
                        os.path.getsize(self.path("out", ".parts", name)) < 2000 for name in self.parts())):
                    time.sleep(0.001)
                act(job)
                _, err = program.ended(job)
            if job.returncode != 0:
                return job.returncode, err
            shutil.rmtree(self.path("out"))
        self.fail("the ranks end before they can be stopped")

    def signal_rank(self, number):
        def act(job):
            ranks = self.own_ranks(job)
            if ranks:
                os.kill(ranks[-1], number)
        return act

    def test_a_rank_that_is_killed_leaves_no_result_and_the_rest_resumes(self):
        code, _ = self.stopped(2, self.signal_rank(signal.SIGKILL))
        self.assertNotEqual(code, 0)
        self.assertFalse(os.path.exists(self.path("out", "results.h5")))
        self.assertGreater(len(self.parts()), 0)
        _, err = self.ranks(2, "--resume", scenario=program.CARE_HOMES, n=12)
        self.assertRegex(err, r"\d+ of 12 replicates were finished before")
        self.assert_result(scenario=program.CARE_HOMES)

    def test_a_signal_to_one_rank_or_to_all_keeps_what_is_finished(self):
        for act in (self.signal_rank(signal.SIGUSR1), lambda job: job.send_signal(signal.SIGUSR1)):
            shutil.rmtree(self.path("out"), ignore_errors=True)
            code, err = self.stopped(2, act)
            self.assertEqual(code, 4, err)
            self.assertEqual(len(re.findall(r"interrupted: \d+ of 12 replicates are kept in out", err)), 1, err)
        self.uptake(*self.words("--resume", scenario=program.CARE_HOMES, n=12))
        self.assert_result(scenario=program.CARE_HOMES)

    # ---- a calibration ----------------------------------------------------------------------------------------------

    def calibration(self, *options, folder="out", budget=700):
        return ["calibrate", HISTORY, "--programme", "focus-adhd", "--particles", "200", "--budget", str(budget),
                "--draws", "100", "--threads", "1", "-o", folder, *options]

    def assert_same_calibration(self, folder):
        for name in ("posterior.h5", "calibration.json"):
            self.assertEqual(program.read(self.path("out", name)) == program.read(self.path(folder, name)), True, name)
        self.assertFalse(os.path.exists(self.path("out", ".checkpoints")))

    def test_ranks_share_a_calibration_and_give_the_bytes_of_one_process(self):
        self.uptake(*self.calibration(folder="one"))
        for n in (1, 2, 4):
            with self.subTest(n=n):
                shutil.rmtree(self.path("out"), ignore_errors=True)
                out, err = self.ranks(n, words=self.calibration())
                self.assertEqual(out.count("focus-adhd"), program.read(self.path("one", "calibration.txt"))
                                 .decode().count("focus-adhd"), "said once")
                self.assertEqual(len(re.findall(r"^ +\d+  \S+ +1 ", err, re.MULTILINE)), n if n > 1 else 0, err)
                self.assert_same_calibration("one")
        out, err = self.ranks(2, words=self.calibration())
        self.assertEqual(err.count("already done"), 1)
        _, err = self.ranks(2, words=self.calibration("--seed", "2"), code=2)
        self.assertEqual(err.count("holds another result"), 1)

    def stopped_calibration(self, act, n_ranks=2):
        """A calibration by ranks that something happened to after its first generation."""
        shutil.rmtree(self.path("out"), ignore_errors=True)
        with self.launch(n_ranks, words=self.calibration(budget=6000)) as job:
            while job.poll() is None and not os.path.exists(self.path("out", ".checkpoints", "focus-adhd.bin")):
                time.sleep(0.001)
            act(job)
            _, err = program.ended(job)
        self.assertFalse(os.path.exists(self.path("out", "posterior.h5")))
        return job.returncode, err

    def test_a_calibration_whose_rank_is_killed_or_told_to_stop_is_gone_on_with(self):
        self.uptake(*self.calibration(folder="one", budget=6000))
        # What is left is gone on with by one process, and by another number of ranks.
        code, err = self.stopped_calibration(self.signal_rank(signal.SIGKILL))
        self.assertNotEqual(code, 0)
        self.assertIn("exited on signal 9", err)
        self.uptake(*self.calibration("--resume", budget=6000))
        self.assert_same_calibration("one")
        code, err = self.stopped_calibration(self.signal_rank(signal.SIGUSR1))
        self.assertEqual(code, 4, err)
        self.assertEqual(err.count("interrupted: what was finished is kept in out"), 1, err)
        self.ranks(3, words=self.calibration("--resume", budget=6000))
        self.assert_same_calibration("one")

    def test_a_full_disk_of_the_first_rank_ends_a_shared_calibration(self):
        limited = ["--mca", "btl", "tcp,self", "sh", "-c",
                   '[ "$OMPI_COMM_WORLD_RANK" = 1 ] || ulimit -f 8; exec "$@"', "sh"]
        _, err = self.ranks(2, before=limited, words=self.calibration(), code=3)
        self.assertEqual(err.count("error: "), 1, err)
        self.assertRegex(err, r"error: .*focus-adhd\.bin.*: cannot write")
        self.assertFalse(os.path.exists(self.path("out", "posterior.h5")))


program.main()
