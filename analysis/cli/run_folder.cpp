#include "run_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "files/command.hpp"
#include "files/file.hpp"
#include "files/json_text.hpp"
#include "files/results_file.hpp"
#include "progress.hpp"
#include "report/cheers.hpp"
#include "report/crate.hpp"
#include "report/report.hpp"
#include "report/run_view.hpp"
#include "results/numbers.hpp"
#include "text_file.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/record.hpp"
#include "uptake/scenario.hpp"
#include "uptake/version.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {
/// What of a run stays for showing it again: the table as printed, and the JSON.
constexpr const char* kTableFile = "summary.txt";
constexpr const char* kJsonFile = "summary.json";
/// Locked while a result is written.
constexpr const char* kWritingFile = ".writing";
/// Width of the table in a file or a pipe.
constexpr int kWidthOfFiles = 100;

int terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kWidthOfFiles;
}
}  // namespace

void say(const Output& output, const std::string& text) {
  static_cast<void>(std::fflush(stdout));  // keeps the order where both go to one place
  if (output.verbosity == Verbosity::normal) tell("{}\n", text);
}

void refuse_while_written(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    if (!is_being_written(file)) continue;
    throw FileError({file.string(), "another process is running this scenario into this folder",
                     "wait for it to end, or choose another folder with -o"});
  }
}

void remove_parts(const std::vector<fs::path>& files) {
  std::set<fs::path> folders;
  for (const fs::path& file : files) {
    refuse_while_written({file});
    fs::remove(file);
    folders.insert(file.parent_path());
  }
  // Another task may make its file just now: then the folder stays.
  std::error_code ignored;
  for (const fs::path& folder : folders) fs::remove(folder, ignored);
}

std::vector<fs::path> used_up(const fs::path& folder, const Scenario& scenario) {
  std::vector<fs::path> files = part_files(folder, scenario.digest);
  std::erase_if(
      files, [&](const fs::path& file) { return holds_beyond(file, static_cast<std::size_t>(scenario.replicates)); });
  return files;
}

namespace {
/// Whether a path still leads to an open file.
bool is_at(const fs::path& path, int descriptor) {
  struct stat open {
  }, there{};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &there) == 0 && open.st_dev == there.st_dev &&
         open.st_ino == there.st_ino;
}
}  // namespace

FolderLock::FolderLock(const fs::path& folder, fs::path file, std::string_view doing) : file_(std::move(file)) {
  made_folder_ = !fs::exists(file_.parent_path());
  make_folder(file_.parent_path());
  // Who had the lock may have taken the file away between its opening and its locking here: then there is a newer one.
  do {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) throw file_error(file_, "cannot write", errno);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) continue;
    if (errno != EWOULDBLOCK) return;
    ::close(descriptor_);
    throw FileError({folder.string(), fmt::format("another process is {} this folder", doing),
                     "wait for it to end, or choose another folder with -o"});
  } while (!is_at(file_, descriptor_));
}

FolderLock::~FolderLock() {
  if (is_at(file_, descriptor_)) ::unlink(file_.c_str());
  ::close(descriptor_);
  if (made_folder_) ::rmdir(file_.parent_path().c_str());  // refuses a folder that holds something
}

Result kind_of(const nlohmann::json& facts) {
  const auto kind = facts.is_object() ? facts.value("kind", nlohmann::json()) : nlohmann::json();
  return kind == "backtest" ? Result::backtest : kind == "calibration" ? Result::calibration : Result::run;
}

nlohmann::ordered_json facts_of(const MadeOfRecord& made) {
  const HistoricRecord& record = *made.record;
  return {{"schema", kJsonSchema},
          {"kind", made.kind == Result::calibration ? "calibration" : "backtest"},
          {"digest", made.digest},
          {"record", record.file.filename().string()},
          {"table", record.table.filename().string()},
          {"record_digest", record.digest},
          {"version", std::string(version())},
          {"git_id", std::string(git_id())},
          {"seed", record.seed},
          {"simulations", made.n_simulations},
          {"seconds", made.seconds},
          {"threads", made.n_threads},
          {"date", utc_now()},
          {"command", *made.command}};
}

InputError in_the_way_of_another_kind(const fs::path& folder, Result kind) {
  return InputError({{folder.string(),
                      fmt::format("holds {}, which --overwrite does not replace by something else",
                                  kind == Result::calibration ? "a calibration" : "the results of a run"),
                      "choose another folder with -o"}});
}

namespace {
/// Files there that have names of a run's.
std::vector<std::string> files_in_the_way(const fs::path& folder) {
  std::vector<std::string> found;
  for (const std::string_view name :
       {std::string_view("results.h5"), std::string_view("report.html"), std::string_view("summary.csv"),
        std::string_view(kJsonFile), std::string_view(kTableFile), kCrateFile})
    if (fs::is_regular_file(folder / name)) found.emplace_back(name);
  return found;
}
}  // namespace

Found look_in(const fs::path& folder, const Scenario& scenario) {
  if (!fs::exists(folder / kRunFile)) {
    // A run that broke off while it wrote has its part files still; what nothing tells of is somebody's.
    const bool is_ours = !part_files(folder, "").empty();
    return !is_ours && !files_in_the_way(folder).empty() ? Found::other_result : Found::nothing;
  }
  const auto facts = nlohmann::json::parse(read_text(folder / kRunFile), nullptr, false);
  const Result kind = kind_of(facts);
  if (kind == Result::backtest) return Found::nothing;
  if (kind == Result::calibration) throw in_the_way_of_another_kind(folder, kind);
  const bool same = facts.is_object() && facts.value("digest", nlohmann::json()) == scenario.digest &&
                    facts.value("replicates", nlohmann::json()) == scenario.replicates &&
                    fs::exists(folder / "results.h5") && fs::exists(folder / kTableFile) &&
                    fs::exists(folder / kJsonFile);
  return same ? Found::same_result : Found::other_result;
}

void keep_own_words(const fs::path& folder) {
  const fs::path file = folder / "cheers.md";
  if (!fs::exists(file)) return;
  try {
    if (read_text(file) == cheers_checklist(Run(folder), folder, data_folder())) return;
  } catch (const FileError&) {  // the result that it was filled from is broken: nobody can tell
  }
  throw InputError(
      {{file.string(), "was filled from the result that would be replaced, and somebody may have written in it",
        "move it to another folder, or remove it"}});
}

InputError in_the_way(const fs::path& folder) {
  const std::vector<std::string> files =
      fs::exists(folder / kRunFile) ? std::vector<std::string>() : files_in_the_way(folder);
  return InputError({{folder.string(),
                      files.empty() ? "holds another result (of another scenario, seed, replicates or version)"
                                    : fmt::format("holds {}, and no {} that says what run made {}",
                                                  fmt::join(files, ", "), kRunFile, files.size() == 1 ? "it" : "them"),
                      "choose another folder with -o, or replace it with --overwrite"}});
}

void show_again(const fs::path& folder, std::string_view how_to_repeat, const Output& output) {
  const ResultsFile whole(folder / "results.h5");  // or it throws
  // What a killed process left locked goes, once nobody is found to write.
  if (fs::exists(folder / kWritingFile)) {
    const FolderLock left(folder, folder / kWritingFile, "writing results into");
  }
  fmt::print("{}", read_text(folder / (output.format == Format::json ? kJsonFile : kTableFile)));
  say(output, fmt::format("already done; {} ({})", how_to_repeat, folder.string()));
}

std::string text_of(const About& about) {
  return json_text(nlohmann::ordered_json{{"scenario", about.scenario.string()},
                                          {"overrides", about.overrides},
                                          {"tasks", about.n_tasks},
                                          {"replicates", about.n_replicates}});
}

std::optional<About> about_of(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  try {
    About about{json.at("scenario").get<std::string>(), json.at("overrides").get<std::vector<std::string>>(),
                json.at("tasks").get<int>(), json.at("replicates").get<int>()};
    if (about.n_tasks < 1 || about.n_replicates < 1) return std::nullopt;
    return about;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

namespace {
/// The error of a run beside which another was finished into the same folder: neither is lost.
InputError came_meanwhile(const Finishing& run) {
  return InputError({{run.folder.string(), "got another result while this run was under way, which is not replaced",
                      fmt::format("`{} merge {} -o ANOTHER_FOLDER` writes this one, whose replicates are kept",
                                  quoted(run.command.front()), quoted(run.folder.string()))}});
}
}  // namespace

void finish(const Finishing& run, Control control, const Output& output) {
  // From here on a signal waits for the writing; killed, the part files are still whole.
  control.stop = {};
  control.progress = nullptr;
  const fs::path& folder = run.folder;
  const FolderLock lock(folder, folder / kWritingFile, "writing results into");
  const Found found = look_in(folder, run.model->scenario);
  if (found == Found::other_result && run.found != found) throw came_meanwhile(run);
  std::optional<ProgressLine> progress(std::in_place, run.progress, output.verbosity);
  const auto told_of = [&](const char* what) {
    Control watched = control;
    watched.progress = [&progress, what](const Progress& now) { progress->show_writing(what, now); };
    return watched;
  };
  Ensemble laid_out;
  if (run.ensemble->records) {  // not held in memory, where every cell is at hand
    std::string why_not;
    laid_out = by_cell(*run.ensemble, folder, told_of("replicates by cell"), &why_not);
    if (!laid_out.cells)
      say(output, fmt::format("{} for another {} while results are written: reading takes longer", why_not,
                              size_text(static_cast<double>(laid_out.n_replicates * laid_out.width * 8))));
  }
  RunRecord record{run.model, run.layout, run.ensemble->records ? &laid_out : run.ensemble};
  record.report = report_statistics(record, told_of("statistics"));
  if (found == Found::other_result) remove_made_later(folder);
  fs::remove(folder / kRunFile);
  write_results(record, folder, told_of("results.h5"));
  progress.reset();
  std::string summary, table;
  // One of them alone reads the results file, for HDF5 is one thread's at a time.
  std::optional<Run> written;
  const std::array<std::function<void()>, 4> writers{
      [&] {
        written.emplace(ResultsFile(folder / "results.h5", kResultsKind, ResultsFile::Check::no_seal));
        write_report(*written, folder, data_folder() / "england");
      },
      [&] {
        summary = summary_json(record) + "\n";
        write_text(folder / kJsonFile, summary);
      },
      [&] { write_summary_csv(record, folder); },
      [&] {
        table = headline_table(record, kWidthOfFiles);
        write_text(folder / kTableFile, table);
      },
  };
  run_tasks(
      writers.size(),
      [&](std::size_t i) {
        writers[i]();
        return std::vector<double>{};
      },
      [](std::size_t, std::vector<double>&&) {}, control);
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - run.began).count();
  };
  const std::string how = run_json(record, RunFacts{seconds(), run.seconds_simulating, run.n_threads, run.command});
  write_crate(folder, how, &written->file);
  write_text(folder / kRunFile, how);
  const Scenario& scenario = run.model->scenario;
  remove_parts(used_up(folder, scenario));
  if (!part_files(folder, scenario.digest).empty())
    say(output, fmt::format("replicates beyond the first {} are kept; a run of more goes on from them with --resume",
                            grouped(static_cast<std::size_t>(scenario.replicates))));

  const int width = terminal_width();
  fmt::print("{}", output.format == Format::json ? summary
                   : width == kWidthOfFiles      ? table
                                                 : headline_table(record, width));
  say(output,
      fmt::format("{} in {:.1f} s; report.html, results.h5, summary.csv, summary.json, summary.txt, {} and {} in {}",
                  plural(run.ensemble->n_replicates, "replicate"), seconds(), kRunFile, kCrateFile, folder.string()));
}

}  // namespace uptake::cli
