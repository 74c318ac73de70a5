#include "uptake/export.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"

namespace uptake::cli {

ExitCode export_tables(const std::filesystem::path& folder, const std::optional<std::filesystem::path>& into,
                       const Output& output) {
  const std::filesystem::path target = into.value_or(folder / "csv");
  const auto files = export_csv(folder, target);
  if (output.format == Format::json) {
    auto names = nlohmann::ordered_json::array();
    for (const auto& file : files) names.push_back(file.string());
    fmt::print("{}\n", nlohmann::ordered_json{{"schema", kJsonSchema}, {"files", std::move(names)}}.dump(2));
  } else {
    for (const auto& file : files) fmt::print("{}\n", file.string());
  }
  return ExitCode::done;
}

}  // namespace uptake::cli
