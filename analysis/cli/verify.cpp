#include "uptake/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "files/json_text.hpp"

namespace uptake::cli {

ExitCode verify(Suite suite, int n_threads, const Output& output) {
  Control control;
  control.n_threads = n_threads;
  const bool text = output.format == Format::text;
  const auto print_case = [&](const VerificationCase& row) {
    if (!text || (row.pass && output.verbosity == Verbosity::quiet)) return;
    const std::string z = std::isnan(row.z) ? "" : fmt::format("z {:+.2f}", row.z);
    fmt::print("{} {:<5} {:<72} {:>14.8g} {:>14.8g} {:>9.2g} {:>8}\n", row.pass ? "pass" : "FAIL", row.id, row.name,
               row.expected, row.got, row.tolerance, z);
    if (!row.pass) fmt::print("           {}\n", row.detail);
    static_cast<void>(std::fflush(stdout));
  };
  if (text && output.verbosity == Verbosity::normal) {
    fmt::print("{:<4} {:<5} {:<72} {:>14} {:>14} {:>9}\n", "", "case", "", "expected", "got", "tolerance");
  }
  const std::vector<VerificationCase> cases =
      suite == Suite::calibration ? verify_calibration(control, print_case) : uptake::verify(control, print_case);
  const auto n_failed =
      std::count_if(cases.begin(), cases.end(), [](const VerificationCase& row) { return !row.pass; });
  if (text) {
    fmt::print("{} cases, {} failed\n", cases.size(), n_failed);
  } else {
    auto rows = nlohmann::ordered_json::array();
    for (const VerificationCase& row : cases) {
      rows.push_back({{"id", row.id},
                      {"name", row.name},
                      {"expected", row.expected},
                      {"got", row.got},
                      {"tolerance", row.tolerance},
                      {"z", row.z},
                      {"verdict", row.pass ? "pass" : "fail"},
                      {"detail", row.detail}});
    }
    fmt::print("{}\n", json_text(nlohmann::ordered_json{{"schema", kJsonSchema}, {"cases", std::move(rows)}}, 2));
  }
  return n_failed == 0 && !cases.empty() ? ExitCode::done : ExitCode::fault;
}

}  // namespace uptake::cli
