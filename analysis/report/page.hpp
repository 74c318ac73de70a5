/// Pieces that pages are made of: text, tables, headed sections, the file as a whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/calendar.hpp"

namespace uptake {

/// Text as it may stand in HTML, in an attribute too.
[[nodiscard]] std::string escaped(std::string_view text);
/// "31 March 2023".
[[nodiscard]] std::string date_text(Date date);
/// "31 Mar 2023", for tables.
[[nodiscard]] std::string short_date(Date date);
/// A share as a percentage; of few worlds it is no certainty, so none and all are said in words.
[[nodiscard]] std::string chance_text(double share, int n_worlds);

/// A cell of a table: numbers stand to the right.
struct Cell {
  std::string text;
  bool number = false;
};
[[nodiscard]] Cell number_cell(std::string text);
/// A row, or its head, in the one order of tables that set two worlds side by side: the difference with its interval comes
/// first, so that a telephone shows it without scrolling to the side, and behind it what it is the difference of.
[[nodiscard]] std::vector<Cell> net_first(Cell name, std::vector<Cell> net, std::vector<Cell> worlds);
/// A table that can be scrolled by keyboard where it is too wide. The first column heads its row.
[[nodiscard]] std::string table(std::string_view caption, const std::vector<Cell>& head,
                                const std::vector<std::vector<Cell>>& rows);
/// A prior as in the results, with at most six digits a number: "fixed(0.41000000000000003)" is "fixed(0.41)".
[[nodiscard]] std::string short_prior(std::string_view prior);
[[nodiscard]] std::string paragraph(std::string_view text);
/// What opens on demand.
[[nodiscard]] std::string folded(std::string_view summary, const std::string& html);
/// With a capital letter at its beginning.
[[nodiscard]] std::string capitalised(std::string text);
/// Sentences as a list; nothing of none.
[[nodiscard]] std::string list(const std::vector<std::string>& sentences);

/// Lines of preformatted text, which can be scrolled by keyboard where they are too wide. @param name says what they are
[[nodiscard]] std::string preformatted(std::string_view name, std::string_view text);

/// A part of the page with its heading. Without an id it is left out.
struct Section {
  std::string id, heading, html;
  std::string contents = {};  ///< its line in the table of contents; empty = the heading
};
/// The whole page: one file that loads nothing. @param title also its first heading @param data for the drawings
[[nodiscard]] std::string page_html(std::string_view title, std::string_view subtitle,
                                    const std::vector<Section>& sections, const nlohmann::ordered_json& data);

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

/// Values with their 90 % intervals, one under the other on one axis, to be drawn from `data`.
/// @param rows of name, mean, low, high, and text: the mean as tables write it
[[nodiscard]] std::string forest_figure(nlohmann::ordered_json& data, nlohmann::ordered_json rows,
                                        std::string_view unit, std::string_view label, std::string_view caption);

}  // namespace uptake
