/// Pieces of the page that every section is made of: text, tables, headed sections.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/calendar.hpp"

namespace uptake {

class ResultsFile;

/// Text as it may stand in HTML, in an attribute too.
[[nodiscard]] std::string escaped(std::string_view text);
/// "31 March 2023".
[[nodiscard]] std::string date_text(Date date);

/// A cell of a table: numbers stand to the right.
struct Cell {
  std::string text;
  bool number = false;
};
[[nodiscard]] Cell number_cell(std::string text);
/// A table that can be scrolled by keyboard where it is too wide. The first column heads its row.
[[nodiscard]] std::string table(std::string_view caption, const std::vector<Cell>& head,
                                const std::vector<std::vector<Cell>>& rows);
/// A prior as in the results, with at most six digits a number: "fixed(0.41000000000000003)" is "fixed(0.41)".
[[nodiscard]] std::string short_prior(std::string_view prior);
[[nodiscard]] std::string paragraph(std::string_view text);
/// What opens on demand; open from the start where `is_open`.
[[nodiscard]] std::string folded(std::string_view summary, const std::string& html, bool is_open = false);
/// Sentences as a list; nothing of none.
[[nodiscard]] std::string list(const std::vector<std::string>& sentences);

/// A part of the page with its heading. Without an id it is left out.
struct Section {
  std::string id, heading, html;
};

/// An observation beside quantiles of what the model says of it.
struct IntervalRow {
  std::string name;
  double observed = 0;
  double p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0;
  bool is_hollow = false;  ///< drawn open: it was compared with only
};
/// A drawing of them, one under the other on one axis, to be made from `data`. @param label says in words what it shows
[[nodiscard]] std::string interval_figure(nlohmann::ordered_json& data, const std::vector<IntervalRow>& rows,
                                          std::string_view unit, std::string_view label, std::string_view caption);

/// How the parameters of the run came about: each calibrated programme beside its record.
/// @param standing what is calibrated and what is not, in words
[[nodiscard]] Section calibration_section(const ResultsFile& file, std::string_view standing,
                                          nlohmann::ordered_json& data);
/// Published figures beside the results of the strategy named; nothing where there are none.
[[nodiscard]] Section published_section(const ResultsFile& file, std::string_view lead);
/// The back-test in `folder/backtest.json`; nothing where there is none, or it is none.
[[nodiscard]] Section backtest_section(const std::filesystem::path& folder, const std::vector<std::string>& programmes,
                                       nlohmann::ordered_json& data);

}  // namespace uptake
