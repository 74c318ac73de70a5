// Part files of several tasks become one result.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "commands.hpp"
#include "files/command.hpp"
#include "progress.hpp"
#include "run_folder.hpp"
#include "text_file.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/scenario.hpp"
#include "uptake/world.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {
/// A part file with what it says of itself.
struct Part {
  fs::path file;
  PartFacts facts;
};

/// What is to be done about a damaged part file.
constexpr const char* kMendPart = "copy it again if it was damaged on its way, else what its task lost is made again";

/// Part files in the order named, each once. @param damaged gets those that are cut off before their first record
std::vector<Part> parts_of(const std::vector<fs::path>& shards, std::vector<Problem>& damaged) {
  std::vector<Part> parts;
  std::set<fs::path> seen;
  for (const fs::path& shard : shards) {
    std::vector<fs::path> files{shard};
    if (fs::is_directory(shard)) {
      files = part_files(shard, {});
      if (files.empty())
        throw FileError({shard.string(), "holds no part files", "name the folder that a task wrote into (-o)"});
    }
    for (const fs::path& file : files) {
      if (!seen.insert(fs::weakly_canonical(file)).second) continue;
      if (auto facts = read_part_facts(file))
        parts.push_back({file, std::move(*facts)});
      else
        damaged.push_back({file.string(), "is damaged: it is cut off before its first replicate", kMendPart});
    }
  }
  if (parts.empty())
    throw FileError({shards.front().string(), "holds no whole part file", "run the tasks again with --resume"});
  return parts;
}

/// Problems of part files that do not hold all that they were written.
void add_damaged(std::span<const DamagedPart> parts, std::vector<Problem>& problems) {
  for (const DamagedPart& part : parts) {
    std::string what = "is damaged: ";
    if (part.n_spoilt > 0) what += fmt::format("{} of its replicates cannot be read", part.n_spoilt);
    if (part.is_cut_off) what += fmt::format("{}it is cut off", part.n_spoilt > 0 ? ", and " : "");
    problems.push_back({part.file.string(), what, kMendPart});
  }
}

/// @throws InputError unless all are of one run
void check_digests(const std::vector<Part>& parts) {
  std::vector<Problem> problems;
  for (const Part& part : parts) {
    if (part.facts.digest == parts.front().facts.digest) continue;
    problems.push_back({part.file.string(),
                        fmt::format("belongs to another run (of another scenario, seed or version: digest {}) than {}",
                                    part.facts.digest, parts.front().file.string()),
                        "merge what belongs together"});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
}

/// What the part files say of their run: the one with the most replicates, as a later run may have asked for more.
About about_of_run(const std::vector<Part>& parts) {
  std::optional<About> most;
  for (const Part& part : parts) {
    std::optional<About> about = about_of(part.facts.about);
    if (!about) throw InputError({{part.file.string(), "does not say which run it is of", "run its task again"}});
    if (!most || about->n_replicates > most->n_replicates) most = std::move(about);
  }
  return *std::move(most);
}

/// `3, 5-9, 12 and 40 more`
std::string numbers_text(const std::vector<std::uint64_t>& numbers) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, numbers.size()); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", numbers[i]);
  if (numbers.size() > kShown) text += fmt::format(" and {} more", numbers.size() - kShown);
  return text;
}

/// One problem for each task that has something to do, with its command. @param problems what is damaged, said before
InputError missing_replicates(const std::vector<std::uint64_t>& missing, const About& about, const fs::path& scenario,
                              const std::vector<Part>& parts, const std::vector<fs::path>& shards,
                              const fs::path& folder, const std::string& program, std::vector<Problem> problems) {
  // In folders of several splits no task can be blamed: one process makes what is missing.
  const bool one_split = std::ranges::all_of(
      parts, [&](const Part& part) { return about_of(part.facts.about)->n_tasks == about.n_tasks; });
  const int n_tasks = one_split ? about.n_tasks : 1;
  std::map<int, std::vector<std::uint64_t>> by_task;
  for (const std::uint64_t r : missing) by_task[static_cast<int>(r % static_cast<std::uint64_t>(n_tasks))].push_back(r);
  for (const auto& [task, replicates] : by_task) {
    std::string command = fmt::format("{} run {}", quoted(program), quoted(scenario.string()));
    for (const std::string& text : about.overrides) {
      const auto from_root = [&](const fs::path& path) {
        return (fs::absolute(scenario).parent_path() / path).lexically_normal();
      };
      command += " --set " + quoted(with_paths(text, from_root));
    }
    if (n_tasks > 1) command += fmt::format(" --task {}/{}", task, n_tasks);
    fs::path into = folder;
    bool is_named = std::ranges::find(shards, folder) != shards.end();
    for (const Part& part : parts) {
      if (part.facts.task == task && part.file.parent_path().filename() == ".parts")
        into = part.file.parent_path().parent_path(), is_named = true;
    }
    command += fmt::format(" -o {} --resume", quoted(into.string()));
    problems.push_back({into.string(),
                        fmt::format("{} {} {} missing", replicates.size() == 1 ? "replicate" : "replicates",
                                    numbers_text(replicates), replicates.size() == 1 ? "is" : "are"),
                        fmt::format("`{}` makes {}{}", command, replicates.size() == 1 ? "it" : "them",
                                    is_named ? "" : fmt::format("; then name {} among the folders", into.string()))});
  }
  return InputError(std::move(problems));
}
}  // namespace

ExitCode merge(const MergeOptions& options, const Output& output) {
  const auto began = std::chrono::steady_clock::now();
  must_exist(options.shards, "name folders of tasks (-o), or part files in their .parts");
  if (!options.folder && (options.shards.size() != 1 || !fs::is_directory(options.shards.front())))
    throw InputError({{"-o", "is needed to say where the result goes", "e.g. `-o results/merged`"}});
  const fs::path folder = options.folder.value_or(options.shards.front());

  // Tasks that were merged already: their folder holds the result and no part file. Shown again, as by `run`.
  const bool merged = std::ranges::all_of(options.shards, [&](const fs::path& shard) {
    return fs::exists(shard) && fs::exists(folder) && fs::equivalent(shard, folder) && part_files(shard, {}).empty() &&
           fs::exists(shard / kRunFile);
  });
  if (merged) {
    show_again(folder, "its part files are gone, so that only its tasks can repeat it", output);
    return ExitCode::done;
  }

  std::vector<Problem> damaged;
  const std::vector<Part> parts = parts_of(options.shards, damaged);
  check_digests(parts);
  const std::string& digest = parts.front().facts.digest;
  About about = about_of_run(parts);
  const fs::path file = options.scenario ? scenario_file(*options.scenario) : about.scenario;
  if (!fs::exists(file))
    throw FileError({file.string(), "is the scenario of these part files and is not there",
                     "say with --scenario FILE where it is"});
  Scenario scenario = scenario_of(file, about.overrides);
  if (scenario.replicates != about.n_replicates) {  // changed in the file since, which no digest sees
    about.overrides.push_back(fmt::format("replicates={}", about.n_replicates));
    scenario = scenario_of(file, about.overrides);
  }
  if (scenario.digest != digest) {
    throw InputError({{file.string(),
                       fmt::format("is not what the part files were made of (digest {} instead of {}): it, its tables "
                                   "or the program changed",
                                   scenario.digest, digest),
                       "merge with the program and the files of the tasks, or run the tasks again"}});
  }

  const Found found = look_in(folder, scenario);
  if (found == Found::same_result && options.existing != Existing::overwrite) {
    show_again(folder, "--overwrite repeats it", output);
    return ExitCode::done;
  }
  if (found == Found::other_result && options.existing == Existing::refuse) throw in_the_way(folder);
  if (found == Found::other_result) keep_own_words(folder);

  const Interruption interruption;
  auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
  const std::shared_ptr<const Model> model = make_model(std::move(scenario), std::move(population));
  const SummaryLayout layout = make_layout(*model);
  std::vector<fs::path> files;
  for (const Part& part : parts) files.push_back(part.file);
  refuse_while_written(files);
  double bytes = 0;
  for (const fs::path& part : files) bytes += static_cast<double>(fs::file_size(part));
  say(output, fmt::format("reading {} ({})", plural(files.size(), "part file"), size_text(bytes)));
  const Gathered gathered =
      gather_parts(files, digest, layout.size, static_cast<std::size_t>(model->scenario.replicates));
  add_damaged(gathered.damaged, damaged);
  if (!gathered.missing.empty())
    throw missing_replicates(gathered.missing, about, file, parts, options.shards, folder, options.command.front(),
                             damaged);
  // What is damaged in one file may be whole in another.
  for (Problem& problem : damaged) problem.suggestion = "nothing is missing: other files have what it lost";
  if (output.verbosity == Verbosity::normal) print_warnings(damaged);

  Control control;
  control.n_threads = options.n_threads > 0 ? options.n_threads : available_threads();
  // Part files of the folder itself have done their work, as after `run`; those of other folders are left alone.
  finish({model, layout, &gathered.ensemble, folder, began, 0, control.n_threads, options.command, found}, control,
         output);
  return ExitCode::done;
}

}  // namespace uptake::cli
