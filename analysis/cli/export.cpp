#include "results/export.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "files/command.hpp"
#include "files/json_text.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/scenario.hpp"

namespace uptake::cli {

namespace {
ExitCode print_files(const std::vector<std::filesystem::path>& files, const Output& output) {
  if (output.format == Format::json) {
    auto names = nlohmann::ordered_json::array();
    for (const auto& file : files) names.push_back(file.string());
    fmt::print("{}\n", json_text(nlohmann::ordered_json{{"schema", kJsonSchema}, {"files", std::move(names)}}, 2));
  } else {
    for (const auto& file : files) fmt::print("{}\n", file.string());
  }
  return ExitCode::done;
}
}  // namespace

ExitCode export_tables(const std::filesystem::path& folder, const std::optional<std::filesystem::path>& into,
                       const Output& output) {
  const std::filesystem::path target = into.value_or(folder / "csv");
  return print_files(export_csv(folder, target), output);
}

ExitCode export_network_of(const std::filesystem::path& scenario, const std::vector<std::string>& overrides,
                           const std::filesystem::path& into, const Output& output) {
  Scenario asked = scenario_of(scenario, overrides);
  auto population = std::make_shared<const Population>(build_population(asked, data_folder()));
  const auto model = make_model(std::move(asked), std::move(population));
  const Key key = make_key(model->scenario.seed, 0);
  std::vector<std::string> words{"uptake", "export", scenario.string(), "--network", "DIR"};
  for (const std::string& text : overrides)
    words.insert(words.end(), {"--set", from_folder(text, std::filesystem::current_path())});
  const NetworkProcess process = network_process(model, draw_parameters(model->scenario, key), key);
  return print_files(export_network(*model, process, command_text(words), into), output);
}

}  // namespace uptake::cli
