#include "report/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "files/json_text.hpp"
#include "report/cheers.hpp"
#include "report/crate.hpp"
#include "report/run_view.hpp"
#include "text_file.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;

namespace {

/// Writes the checklist, but not over one that somebody has written in.
fs::path write_checklist(const Run& run, const ReportOptions& options) {
  fs::path file = options.file.value_or(options.folder / "cheers.md");
  const std::string text = cheers_checklist(run, options.folder, data_folder());
  if (fs::is_directory(file))
    throw InputError({{file.string(), "is a folder", "name the file of the checklist with -o"}});
  if (options.existing != Existing::overwrite && fs::exists(file) &&
      (!fs::is_regular_file(file) || read_text(file) != text))
    throw InputError({{file.string(), "is there, and is not what would be written",
                       "choose another file with -o, or replace it with --overwrite"}});
  write_text(file, text);
  return file;
}

}  // namespace

ExitCode report(const ReportOptions& options, const Output& output) {
  const bool is_page = options.kind == ReportOptions::Kind::page;
  if (is_page && options.file)
    throw InputError(
        {{"-o " + options.file->string(), "is for --cheers: the page goes into the folder", "leave it out"}});
  const Run run(options.folder);
  fs::path file = options.folder / "report.html";
  if (is_page) {
    write_report(run, options.folder, data_folder() / "england");
  } else {
    file = write_checklist(run, options);
  }
  if (!write_crate(options.folder, &run.file))
    tell("{} is not written: it takes date, version and command from {}\n", kCrateFile, kRunFile);
  if (output.format == Format::json) {
    const nlohmann::ordered_json json{{"schema", kJsonSchema}, {is_page ? "report" : "cheers", file.string()}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", file.string());
  }
  return ExitCode::done;
}

}  // namespace uptake::cli
