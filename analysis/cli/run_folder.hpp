/// The folder of a run: what is in it, and the files of a finished result.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "report/crate.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {
struct HistoricRecord;
}

namespace uptake::cli {

enum class Found : std::uint8_t { nothing, same_result, other_result };
/// What a folder holds, as seen from a run of this scenario. Its digest leaves out the number of replicates.
/// @throws InputError when it holds a calibration
[[nodiscard]] Found look_in(const std::filesystem::path& folder, const Scenario& scenario);
/// The error of a folder that holds another result.
[[nodiscard]] InputError in_the_way(const std::filesystem::path& folder);
/// For who replaces a result: its checklist goes with it, but not what somebody has written in there.
/// @throws InputError when it is not what the program fills it with
void keep_own_words(const std::filesystem::path& folder);
/// What a run.json is of. A back-test is in nobody's way: it says how it was made only where nothing else does.
[[nodiscard]] Result kind_of(const nlohmann::json& facts);
/// How a result was made that is of a record: what a run.json is begun with.
struct MadeOfRecord {
  Result kind = Result::calibration;
  std::string digest;
  const HistoricRecord* record = nullptr;
  std::size_t n_simulations = 0;
  double seconds = 0;
  int n_threads = 0;
  const std::vector<std::string>* command = nullptr;  ///< as typed
};
[[nodiscard]] nlohmann::ordered_json facts_of(const MadeOfRecord& made);
/// The error of a folder with a result that another kind must not replace: a calibration may have taken hours.
[[nodiscard]] InputError in_the_way_of_another_kind(const std::filesystem::path& folder, Result kind);
/// Prints the result that is in the folder again.
void show_again(const std::filesystem::path& folder, std::string_view how_to_repeat, const Output& output);

/// @throws FileError while a process adds to part files of the run
void refuse_while_written(const std::vector<std::filesystem::path>& files);
/// Removes part files, and their folder when it is empty then. @throws FileError while a process adds to one
void remove_parts(const std::vector<std::filesystem::path>& files);

/// Part files in a folder all of whose replicates are in a result of this scenario; one that holds more than were asked
/// for is kept, for a run of more goes on from it. @throws FileError
[[nodiscard]] std::vector<std::filesystem::path> used_up(const std::filesystem::path& folder, const Scenario& scenario);

/// Keeps other processes out of a folder while it lives, by a lock on a file in it that goes with it. Where the file
/// system has no locks it keeps nobody out.
class FolderLock {
 public:
  /// @param doing what the other process is said to do, as in "another process is writing results into this folder"
  /// @throws FileError when another process has the lock
  FolderLock(const std::filesystem::path& folder, std::filesystem::path file, std::string_view doing);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path file_;
  bool made_folder_ = false;  ///< which goes again if nothing was put into it
  int descriptor_ = -1;
};

/// A run as its part files tell of it, so that a merge can make its model again.
struct About {
  std::filesystem::path scenario;      ///< absolute
  std::vector<std::string> overrides;  ///< `key=value`
  int n_tasks = 1;                     ///< replicate r is of the task r mod n_tasks
  int n_replicates = 0;
};
[[nodiscard]] std::string text_of(const About& about);
/// Nothing when the text is no such thing.
[[nodiscard]] std::optional<About> about_of(const std::string& text);

/// The complete result, from the ensemble in part files: every file of it, run.json last.
struct Finishing {
  std::shared_ptr<const Model> model;
  SummaryLayout layout;
  const Ensemble* ensemble = nullptr;
  std::filesystem::path folder;
  std::chrono::steady_clock::time_point began;
  double seconds_simulating = 0;
  int n_threads = 0;
  std::vector<std::string> command;
  Found found = Found::nothing;  ///< before anything was simulated; another result that has come since is not replaced
  ProgressStyle progress = ProgressStyle::automatic;
};
/// Writes the result, removes the part files that it used up, and prints the headline.
/// @throws FileError, also while another process writes results there; InputError when another result has come meanwhile
void finish(const Finishing& run, Control control, const Output& output);

/// A line on stderr, unless told to be quiet.
void say(const Output& output, const std::string& text);

}  // namespace uptake::cli
