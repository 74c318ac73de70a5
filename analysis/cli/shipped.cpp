// What ships with the program, and what a person means by a name.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "calibration/posterior_file.hpp"
#include "commands.hpp"
#include "text_file.hpp"
#include "uptake/record.hpp"
#include "uptake/scenario.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

fs::path data_folder() { return UPTAKE_DATA_FOLDER; }

namespace {
constexpr std::string_view kWhatIfs = "what-if";

std::vector<fs::path> toml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// A name and nothing else, or one of what-if/.
bool could_be_shipped(const fs::path& named) {
  const fs::path folder = named.parent_path();
  return named.extension() != ".toml" && named.has_filename() && (folder.empty() || folder == kWhatIfs);
}
}  // namespace

fs::path results_folder(const fs::path& named) {
  std::error_code ignored;
  if (named.filename() != "results.h5" || !fs::is_regular_file(named, ignored)) return named;
  return named.has_parent_path() ? named.parent_path() : fs::path(".");
}

std::vector<fs::path> shipped_scenarios() {
  std::vector<fs::path> files = toml_files(data_folder());
  const std::vector<fs::path> what_ifs = toml_files(data_folder() / kWhatIfs);
  files.insert(files.end(), what_ifs.begin(), what_ifs.end());
  return files;
}

std::string shipped_name(const fs::path& file) {
  const std::string stem = file.stem().string();
  return file.parent_path().filename() == kWhatIfs ? fmt::format("{}/{}", kWhatIfs, stem) : stem;
}

std::vector<fs::path> shipped_programmes() { return toml_files(data_folder() / "programmes"); }

fs::path scenario_file(const fs::path& named) {
  if (!could_be_shipped(named) || fs::exists(named)) return named;
  for (const fs::path& folder : {data_folder(), data_folder() / kWhatIfs}) {
    fs::path file = folder / named;
    file += ".toml";
    if (fs::exists(file)) return file;
  }
  std::vector<std::string> names;
  for (const fs::path& file : shipped_scenarios()) {
    names.push_back(file.stem().string());
    if (const std::string name = shipped_name(file); name != names.back()) names.push_back(name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string nearest = nearest_name(named.string(), views);
  throw FileError({named.string(), "is neither a file nor the name of a shipped scenario",
                   nearest.empty() ? "`uptake list` names them" : fmt::format("did you mean \"{}\"?", nearest)});
}

std::string from_folder(const std::string& text, const fs::path& folder) {
  return with_paths(plain_override(text), [&](const fs::path& path) {
    return path.is_absolute() ? path.lexically_normal().lexically_proximate(folder) : path;
  });
}

Scenario scenario_of(const fs::path& named, const std::vector<std::string>& overrides) {
  Scenario scenario = load_scenario(scenario_file(named), overrides, data_folder());
  use_named_posterior(scenario);
  // Results say how to repeat them: a path from the scenario's folder, as in its file, and not where somebody's home is.
  const fs::path folder = fs::absolute(scenario.file).lexically_normal().parent_path();
  for (std::string& text : scenario.overrides) text = from_folder(text, folder);
  return scenario;
}

std::optional<StoredPosterior> shipped_posterior() {
  const fs::path file = data_folder() / "posterior.h5";
  if (!fs::exists(file)) return std::nullopt;
  return read_posterior(file);
}

fs::path record_file(const fs::path& named) {
  fs::path file = scenario_file(named);
  const std::string text = fs::is_regular_file(file) ? read_text(file) : "";
  if (text.find("\nprogrammes = ") != std::string::npos && !is_record(file)) {
    throw InputError({{file.string(), "is a scenario, not a record of past programmes",
                       "say `history`, the shipped record, or name one of your own; --programme chooses of it"}});
  }
  return file;
}

}  // namespace uptake::cli
