// The program as a person or a script meets it: exit codes, what goes to stdout and what to stderr, and what a run does
// about what is already in its folder.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "uptake/error.hpp"

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Outcome {
  int code = 0;
  std::string out, err;
};

/// Tests of the program, each in a folder of its own.
class Program : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "uptake-cli-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Runs a shell command there, in which $uptake is the program and $minimal the smallest scenario.
  [[nodiscard]] Outcome shell(const std::string& command) const {
    const std::string script = fmt::format(
        "cd '{}' && uptake='{}/uptake' && minimal='{}/scenarios/minimal.toml' && {{ {}\n}} >out.txt 2>err.txt",
        folder_.string(), UPTAKE_BUILD_FOLDER, UPTAKE_SOURCE_FOLDER, command);
    const int status = std::system(script.c_str());  // NOLINT(cert-env33-c): a shell is what is wanted
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(folder_ / "out.txt"),
            text_of(folder_ / "err.txt")};
  }

  fs::path folder_;
};

TEST_F(Program, SaysWhatIsWrongWithACommandLineAndEndsWithTwo) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "Usage: uptake"},
      {"runn", "error: runn: is not a command; did you mean \"run\"?"},
      {"frobnicate", "error: frobnicate: is not a command; see `uptake --help`"},
      {"run", "SCENARIO is required"},
      {"run a.toml b.toml", "error: b.toml: is one argument too many"},
      {"run a.toml --overwite", "error: --overwite: is not an option; did you mean \"--overwrite\"?"},
      {"run a.toml --overwrite --resume", "excludes"},
      {"run a.toml --threads 0", "--threads"},
      {"run a.toml --threads many", "--threads"},
      {"run a.toml --progress loud", "--progress"},
      {"run a.toml --seed", "--seed"},
      {"--verison", "error: --verison: is not an option; did you mean \"--version\"?"},
  };
  for (const auto& [arguments, message] : wrong) {
    const Outcome outcome = shell("\"$uptake\" " + arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_NE(outcome.err.find(message), std::string::npos) << arguments << "\n" << outcome.err;
  }
}

TEST_F(Program, OneMistakeOfACommandLineIsOneError) {
  for (const char* arguments : {"run a.toml --region North", "run a.toml -r 5", "--dry-run a.toml"}) {
    const Outcome outcome = shell(fmt::format("\"$uptake\" {}", arguments));
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << arguments << "\n" << outcome.err;
  }
  // The value of an option that has it, and a word that no option is before, are two.
  const Outcome two = shell("\"$uptake\" run a.toml b.toml --region=North");
  EXPECT_EQ(std::ranges::count(two.err, '\n'), 2) << two.err;
}

TEST_F(Program, ABackTestWantsToKnowWhatWasKnownAndSaysAllThatIsWrongAtOnce) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"history", "error: backtest: no option says what was known; give one of --cutoff, --leave-out and --fraction"},
      {"history --cutoff 2019 --fraction 0.5", "more than one option says what was known"},
      {"history --cutoff 2019-13", "--cutoff 2019-13: is no date"},
      {"history --cutoff 2019 --dates 2020,soon", "--dates soon: is no date"},
      {"history --fraction 0.5,1", "--fraction 1: is not between 0 and 1"},
      {"history --cutoff 2019 --posterior posterior", "--posterior: is for --leave-out"},
      {"history --cutoff 2019 --programme pinser", "did you mean \"pincer\"?"},
      {"history --cutoff 2001", "pincer: no observation that is fitted to was over by 2001-12-31"},
  };
  for (const auto& [arguments, message] : wrong) {
    const Outcome outcome = shell("\"$uptake\" backtest " + arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_NE(outcome.err.find(message), std::string::npos) << arguments << "\n" << outcome.err;
  }
}

TEST_F(Program, ABackTestOfTheShippedRecordIsWrittenOnceAndNotReplaced) {
  const std::string command =
      "\"$uptake\" backtest history --cutoff 2021-03 --programme focus-adhd --budget 2000 --particles 200 "
      "--dates 2024-03 --json --quiet -o out";
  const Outcome first = shell(command);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.err, "");
  const auto json = nlohmann::json::parse(first.out);
  EXPECT_EQ(json["cutoff"], "2021-03-31");
  EXPECT_EQ(json["forecasts"][0]["programme"], "focus-adhd");
  EXPECT_TRUE(json["forecasts"].back()["observed"].is_null());
  EXPECT_TRUE(json["skill"]["bass"].is_number());
  for (const char* file : {"backtest.h5", "backtest.json", "backtest.csv"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / file));
  EXPECT_EQ(text_of(folder_ / "out" / "backtest.json"), first.out);
  const Outcome again = shell(command);
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("backtest.h5: is already there; --overwrite replaces it"), std::string::npos) << again.err;
}

TEST_F(Program, ACommandThatItPrintsBeginsWithWhatWasTyped) {
  const std::string task = "\"$uptake\" run \"$minimal\" --replicates 2 --task 0/2 -o ";
  EXPECT_NE(shell("UPTAKE_CALLED=./uptake " + task + "a").err.find("\n  ./uptake merge a -o a\n"), std::string::npos);
  EXPECT_NE(shell(task + "b").err.find("/uptake merge b -o b\n"), std::string::npos);
  // A batch script starts the program itself.
  const Outcome script = shell("UPTAKE_CALLED=./uptake \"$uptake\" slurm \"$minimal\" --tasks 2");
  EXPECT_NE(script.out.find(fmt::format("program={}/uptake\n", UPTAKE_BUILD_FOLDER)), std::string::npos) << script.out;
}

TEST_F(Program, HelpOfEveryCommandHasAnExampleAndTheExitCodes) {
  for (const char* command : {"", "run", "validate", "params", "list", "info", "verify", "licences"}) {
    const Outcome outcome = shell(fmt::format("\"$uptake\" {} --help", command));
    EXPECT_EQ(outcome.code, 0);
    EXPECT_NE(outcome.out.find(fmt::format("Example: uptake {}", command)), std::string::npos) << command;
    for (const uptake::ExitCodeMeaning& row : uptake::kExitCodes) {
      EXPECT_NE(outcome.out.find(fmt::format("{}  {}", static_cast<int>(row.code), row.meaning)), std::string::npos);
    }
  }
}

TEST_F(Program, AResultThatCannotBeDeliveredIsAFailure) {
  EXPECT_EQ(shell("\"$uptake\" params >/dev/full").code, 3);
  EXPECT_EQ(shell("\"$uptake\" info >/dev/full").code, 3);
}

TEST_F(Program, AFileThatIsNotThereEndsWithThreeAndOneLine) {
  const Outcome outcome = shell("\"$uptake\" run nowhere.toml");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("error: nowhere.toml")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
}

TEST_F(Program, AShippedScenarioIsMeantByItsName) {
  for (const char* name : {"minimal", "precept", "what-if/facilitation-halved", "facilitation-halved"}) {
    const Outcome outcome = shell(fmt::format("\"$uptake\" validate {}", name));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(outcome.out.starts_with(fmt::format("{}: valid", name))) << outcome.out;
  }
  // A file of that name here comes first, and an ending or a folder means a file.
  EXPECT_EQ(shell("echo 'schema = 2' >precept; \"$uptake\" validate precept").code, 2);
  EXPECT_EQ(shell("\"$uptake\" validate minimal.toml").code, 3);
  const Outcome outcome = shell("\"$uptake\" run portfolio-2018-2032");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.err,
            "error: portfolio-2018-2032: is neither a file nor the name of a shipped scenario; did you mean "
            "\"portfolio-2018-2023\"?\n");
}

TEST_F(Program, JsonOfEveryReportIsJsonWithASchema) {
  for (const char* command : {"params", "params \"$minimal\"", "list", "info", "licences", "validate \"$minimal\"",
                              "run \"$minimal\" --replicates 3 --dry-run", "run \"$minimal\" --replicates 3"}) {
    const Outcome outcome = shell(fmt::format("\"$uptake\" {} --json", command));
    EXPECT_EQ(outcome.code, 0) << command << "\n" << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out, nullptr, false);
    ASSERT_TRUE(json.is_object()) << command;
    EXPECT_EQ(json.value("schema", 0), 1) << command;
  }
}

TEST_F(Program, ARunThatIsDoneIsShownAgainAndNotRepeated) {
  const Outcome first = shell("\"$uptake\" run \"$minimal\" --replicates 3 -o out");
  ASSERT_EQ(first.code, 0) << first.err;
  const auto written = fs::last_write_time(folder_ / "out" / "results.h5");
  const Outcome second = shell("\"$uptake\" run \"$minimal\" --replicates 3 -o out");
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(second.out, first.out);
  EXPECT_NE(second.err.find("already done; --overwrite repeats it"), std::string::npos) << second.err;
  EXPECT_EQ(fs::last_write_time(folder_ / "out" / "results.h5"), written);
  EXPECT_FALSE(fs::exists(folder_ / "out" / ".parts"));
}

TEST_F(Program, AnotherResultInTheWayIsRefusedAndKept) {
  ASSERT_EQ(shell("\"$uptake\" run \"$minimal\" --replicates 3 -o out").code, 0);
  const std::string before = text_of(folder_ / "out" / "results.h5");
  for (const char* existing : {"", "--resume"}) {
    const Outcome outcome =
        shell(fmt::format("\"$uptake\" run \"$minimal\" --replicates 3 --seed 7 -o out {}", existing));
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find("holds another result"), std::string::npos) << outcome.err;
    EXPECT_EQ(text_of(folder_ / "out" / "results.h5"), before);
  }
  const Outcome more = shell("\"$uptake\" run \"$minimal\" --replicates 4 -o out");  // the digest is the same
  EXPECT_EQ(more.code, 2);
  EXPECT_EQ(more.out, "");
  EXPECT_EQ(shell("\"$uptake\" run \"$minimal\" --replicates 3 --seed 7 -o out --overwrite").code, 0);
  EXPECT_NE(text_of(folder_ / "out" / "results.h5"), before);
}

TEST_F(Program, FilesThatNoRunTellsOfAreRefusedAndKept) {
  ASSERT_EQ(shell("mkdir out && echo notes > out/summary.csv").code, 0);
  const std::string run = "\"$uptake\" run \"$minimal\" --replicates 3 -o out ";
  const Outcome outcome = shell(run);
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("holds summary.csv, and no run.json"), std::string::npos) << outcome.err;
  EXPECT_EQ(text_of(folder_ / "out" / "summary.csv"), "notes\n");
  EXPECT_EQ(shell(run + "--overwrite").code, 0);
  EXPECT_NE(text_of(folder_ / "out" / "summary.csv"), "notes\n");
}

TEST_F(Program, AReportOfFilesOfTwoRunsIsRefused) {
  const std::string run = "\"$uptake\" run \"$minimal\" --replicates 3 ";
  ASSERT_EQ(shell(run + "-o out && " + run + "--seed 7 -o other").code, 0);
  ASSERT_EQ(shell("\"$uptake\" report out").code, 0);
  ASSERT_EQ(shell("cp other/results.h5 out/").code, 0);
  const std::string page = text_of(folder_ / "out" / "report.html");
  const Outcome outcome = shell("\"$uptake\" report out");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("is of another run"), std::string::npos) << outcome.err;
  EXPECT_EQ(text_of(folder_ / "out" / "report.html"), page);
}

TEST_F(Program, ARunThatBreaksOffIsResumedToTheSameBytes) {
  const std::string run = "\"$uptake\" run \"$minimal\" --replicates 40 ";
  ASSERT_EQ(shell(run + "-o whole").code, 0);
  const auto bytes = nlohmann::json::parse(shell(run + "-o out --dry-run --json").out)["part_file_bytes"].get<long>();
  // A limit on the size of files breaks the run off in the middle of a record; the shell counts in 512 bytes.
  const Outcome broken = shell(fmt::format("ulimit -f {}; {} -o out --quiet", bytes / 2 / 512, run));
  EXPECT_EQ(broken.code, 3);
  EXPECT_NE(broken.err.find("(ulimit -f)"), std::string::npos) << broken.err;
  EXPECT_FALSE(fs::exists(folder_ / "out" / "results.h5"));

  const Outcome refused = shell(run + "-o out");
  EXPECT_EQ(refused.code, 2);
  std::smatch kept;
  ASSERT_TRUE(std::regex_search(refused.err, kept, std::regex("unfinished run of this scenario, (\\d+) of 40")))
      << refused.err;
  EXPECT_GT(std::stoi(kept[1]), 0);
  EXPECT_LT(std::stoi(kept[1]), 40);

  const Outcome resumed = shell(run + "-o out --resume");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find(kept[1].str() + " of 40 replicates were finished before"), std::string::npos);
  EXPECT_EQ(shell("cmp whole/results.h5 out/results.h5").code, 0);
}

TEST_F(Program, AnInterruptKeepsWhatIsFinishedAndSaysHowToGoOn) {
  // Far more replicates than can be done before the signal, which waits for the first of them.
  for (const char* signal : {"INT", "TERM"}) {
    const Outcome outcome =
        shell(fmt::format("\"$uptake\" run \"$minimal\" --replicates 200000 -o {0} & run=$!\n"
                          "for i in $(seq 200); do\n"
                          "  [ -z \"$(find {0} -name '*.bin' -size +100k 2>/dev/null)\" ] || break; sleep 0.05\n"
                          "done\n"
                          "kill -{0} $run; wait $run",
                          signal));
    EXPECT_EQ(outcome.code, 4) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(std::regex_search(outcome.err, std::regex("interrupted: [1-9]\\d* of 200,000 replicates are kept")))
        << outcome.err;
    EXPECT_NE(outcome.err.find("--replicates 200000 -o " + std::string(signal) + " --resume"), std::string::npos)
        << outcome.err;
  }
}

}  // namespace
