"""The script of `uptake slurm` on a real Slurm of one node, which is set up for this test alone and removed after it.

Usage: slurm_test.py PROGRAM SOURCE_FOLDER. Needs the packages slurm-wlm and munge; without them it is skipped (77).
"""

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import program

NEEDED = ["munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "squeue", "sinfo"]
os.environ["PATH"] += ":/usr/sbin:/sbin"
FILES = ["published.csv", "report.html", "results.h5", "summary.csv", "summary.json", "summary.txt"]
N, TASKS = 240, 3
# A job that this very test may run in must not speak to the one set up here.
for variable in [name for name in os.environ if name.startswith("SLURM")]:
    del os.environ[variable]

CONFIGURATION = """\
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
# Also how long a requeued job waits: 120 s unless it is said.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
PlugStackConfig={folder}/plugstack.conf
# No control groups, no accounting: they want a machine of their own.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=10
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES PriorityTier=1 State=UP
PartitionName=high Nodes={host} PriorityTier=10 PreemptMode=OFF State=UP
"""


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """munged, slurmctld and slurmd in a folder of their own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="u", dir="/tmp")  # the path of a socket has a limit
        self.daemons = []
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self):
        os.chmod(self.folder, 0o755)
        for name in ("state", "spool"):
            os.mkdir(os.path.join(self.folder, name))
        key = os.path.join(self.folder, "key")
        program.write(key, os.urandom(1024))
        os.chmod(key, 0o600)
        host = socket.gethostname().split(".")[0]
        self.configuration = os.path.join(self.folder, "slurm.conf")
        program.write(self.configuration, CONFIGURATION.format(host=host, ports=free_ports(2), folder=self.folder,
                                                               user=getpass.getuser()))
        program.write(os.path.join(self.folder, "plugstack.conf"), "")
        self.environment = {**os.environ, "SLURM_CONF": self.configuration}
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}", *(
            f"--{what}={self.folder}/munge.{what.split('-')[0]}" for what in ("socket", "pid-file", "log-file",
                                                                             "seed-file")))
        self.wait_for(lambda: os.path.exists(os.path.join(self.folder, "munge.socket")), "munged")
        self.daemon("slurmctld", "-D", "-c", "-f", self.configuration)
        self.daemon("slurmd", "-D", "-c", "-f", self.configuration)
        self.wait_for(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), "a node that is idle")
        self.host = host

    def daemon(self, name, *words):
        log = open(os.path.join(self.folder, f"{name}.log"), "wb")
        with log:
            self.daemons.append(subprocess.Popen([name, *words], stdout=log, stderr=log, cwd=self.folder,
                                                 env=self.environment))

    def ask(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        return done.stdout + done.stderr

    def wait_for(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds} s for {what}\n" + self.ask("squeue") + self.ask("sinfo", "-R"))
            time.sleep(0.2)

    def remove(self):
        if len(self.daemons) > 1:
            self.ask("scancel", "--user", getpass.getuser())
            end = time.monotonic() + 20
            while self.ask("squeue", "--noheader").strip() and time.monotonic() < end:
                time.sleep(0.1)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Slurm(program.ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.remove)
        scratch = tempfile.TemporaryDirectory(prefix="uptake-test-")
        cls.addClassCleanup(scratch.cleanup)
        subprocess.run([program.PROGRAM, "run", program.CARE_HOMES, "--replicates", str(N), "-o", "one"],
                       cwd=scratch.name, check=True, capture_output=True)
        cls.reference = {name: program.read(os.path.join(scratch.name, "one", name)) for name in FILES}

    def setUp(self):
        super().setUp()
        text = self.uptake("slurm", program.CARE_HOMES, "--tasks", TASKS, "--replicates", N, "-o", "out", "--memory",
                           "500M", "--partition", "low").stdout
        program.write(self.path("job.sh"), text)

    def submit(self):
        """What a person types. @return the numbers of the array and of the merge"""
        done = subprocess.run(["sh", "job.sh"], cwd=self.folder, capture_output=True, text=True, check=True,
                              env=self.cluster.environment)
        return re.fullmatch(r"submitted array (\d+) and merge (\d+); .*\n", done.stdout).groups()

    def state(self, job):
        return self.cluster.ask("squeue", "--noheader", "--format=%T", "--jobs", job).strip()

    def finished(self, task):
        """Bytes of the part file of a task."""
        folder = self.path("out", ".parts")
        return sum(os.path.getsize(os.path.join(folder, name)) for name in
                   (os.listdir(folder) if os.path.isdir(folder) else []) if name.endswith(f"-{task}.bin"))

    def wait_until_simulating(self, task, more_than=4000):
        self.cluster.wait_for(lambda: self.finished(task) > more_than, f"task {task} to finish a replicate")

    def wait_for_the_end(self):
        self.cluster.wait_for(lambda: not self.cluster.ask("squeue", "--noheader").strip(), "the end of all jobs", 180)

    def said(self, job, task):
        return program.read(self.path(f"slurm-{job}_{task}.out")).decode()

    def assert_result(self):
        for name, one in self.reference.items():
            self.assertEqual(program.read(self.path("out", name)) == one, True, name)
        self.assertFalse(os.path.exists(self.path("out", ".parts")))

    def test_an_array_and_its_merge_make_the_bytes_of_one_process(self):
        job, merge = self.submit()
        self.wait_for_the_end()
        self.assert_result()
        self.assertIn(f"Means over {N} replicates", program.read(self.path(f"slurm-{merge}.out")).decode())
        for task in range(TASKS):
            self.assertIn(f"task {task} of {TASKS}", self.said(job, task))

    def test_tasks_whose_time_is_over_are_preempted_or_lost_with_their_node_go_on(self):
        job, _ = self.submit()
        self.wait_until_simulating(0)
        # What --signal sends when the time is nearly over, to the batch shell.
        self.cluster.ask("scancel", "--batch", "--signal=USR1", f"{job}_0")
        self.cluster.wait_for(lambda: "interrupted: " in self.said(job, 0), "task 0 to stop")
        self.wait_until_simulating(1)
        # A job that takes the whole node pre-empts whatever of low priority runs there.
        subprocess.run(["sbatch", "--partition=high", "--cpus-per-task=2", "--wrap=sleep 1", "--output=/dev/null"],
                       env=self.cluster.environment, cwd=self.folder, check=True, capture_output=True)
        self.cluster.wait_for(lambda: "RUNNING" not in self.state(job), "the array to be pre-empted")
        kept = sum(self.finished(task) for task in range(TASKS))
        self.cluster.wait_for(lambda: sum(self.finished(task) for task in range(TASKS)) > kept, "the array to go on")
        # The node is lost and comes back.
        for state in ("down", "resume"):
            self.cluster.ask("scontrol", "update", f"NodeName={self.cluster.host}", f"State={state}", "Reason=test")
            time.sleep(0.5)
        self.wait_for_the_end()
        self.assertRegex("".join(self.said(job, task) for task in range(TASKS)), r"\d+ of 240 replicates were finished")
        self.assert_result()

    def test_after_a_task_was_cancelled_the_same_script_submits_what_is_left(self):
        job, _ = self.submit()
        self.wait_until_simulating(0)
        self.cluster.ask("scancel", f"{job}_0")
        self.wait_for_the_end()  # the merge is dropped, as its dependency cannot be met
        self.assertFalse(os.path.exists(self.path("out", "results.h5")))
        self.assertGreater(self.finished(0), 0)
        self.submit()
        self.wait_for_the_end()
        self.assert_result()


absent = [name for name in NEEDED if shutil.which(name) is None]
if absent:
    print(f"skipped: {', '.join(absent)} not found; apt-get install slurm-wlm munge")
    sys.exit(77)
program.main()
