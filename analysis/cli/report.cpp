#include "uptake/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"

namespace uptake::cli {

ExitCode report(const std::filesystem::path& folder, const Output& output) {
  write_report(folder, data_folder() / "england");
  const std::filesystem::path page = folder / "report.html";
  if (output.format == Format::json) {
    const nlohmann::ordered_json json{{"schema", kJsonSchema}, {"report", page.string()}};
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{}\n", page.string());
  }
  return ExitCode::done;
}

}  // namespace uptake::cli
