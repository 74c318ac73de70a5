#include "report/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <iterator>

#include "files/json_text.hpp"
#include "results/numbers.hpp"
#include "uptake/version.hpp"

// Linked in by assets.S.
extern "C" {  // NOLINTBEGIN(readability-identifier-naming)
extern const char uptake_asset_page_css[], uptake_asset_page_css_end[];
extern const char uptake_asset_draw_js[], uptake_asset_draw_js_end[];
extern const char uptake_asset_page_js[], uptake_asset_page_js_end[];
extern const char uptake_asset_d3_js[], uptake_asset_d3_js_end[];
}  // NOLINTEND(readability-identifier-naming)

namespace uptake {

namespace {
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

std::string day_text(Date date, std::size_t n_letters) {
  const std::chrono::year_month_day day{date};
  return fmt::format("{} {} {}", static_cast<unsigned>(day.day()),
                     kMonths[static_cast<unsigned>(day.month()) - 1].substr(0, n_letters),
                     static_cast<int>(day.year()));
}

std::string asset(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

/// Text that may stand inside a script element.
std::string in_script(std::string text) {
  for (std::size_t at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3))
    text.replace(at, 2, "<\\/");
  return text;
}

/// A long key may go over to the next line after its dots and underscores.
std::string with_breaks(const std::string& text) {
  constexpr std::size_t kLong = 14;
  if (text.size() <= kLong) return text;
  std::string broken;
  for (std::size_t i = 0; i < text.size(); ++i) {
    broken += text[i];
    const bool goes_on = i + 1 < text.size() && std::islower(static_cast<unsigned char>(text[i + 1])) != 0;
    if (goes_on && (text[i] == '_' || text[i] == '.')) broken += "<wbr>";
  }
  return broken;
}

/// Short words stay on one line, and sentences get room; empty for a number, which has a class of its own.
std::string_view width_class(const Cell& cell) {
  constexpr std::size_t kShort = 15, kLong = 40;
  if (cell.number) return " class=\"n\"";
  return cell.text.size() > kLong                         ? " class=\"t\""
         : cell.text.empty() || cell.text.size() > kShort ? ""
                                                          : " class=\"s\"";
}
}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string date_text(Date date) { return day_text(date, std::string_view::npos); }
std::string short_date(Date date) { return day_text(date, 3); }

std::string chance_text(double share, int n_worlds) {
  if (share == 0) return n_worlds == 1 ? "no world (of one)" : fmt::format("none of {} worlds", grouped(n_worlds));
  if (share == 1) return n_worlds == 1 ? "the one world" : fmt::format("all {} worlds", grouped(n_worlds));
  return percent_of_worlds(share);
}

Cell number_cell(std::string text) { return {std::move(text), true}; }

std::vector<Cell> net_first(Cell name, std::vector<Cell> net, std::vector<Cell> worlds) {
  std::vector<Cell> row{std::move(name)};
  for (std::vector<Cell>* const part : {&net, &worlds}) std::ranges::move(*part, std::back_inserter(row));
  return row;
}

std::string table(std::string_view caption, const std::vector<Cell>& head, const std::vector<std::vector<Cell>>& rows) {
  std::string html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
      escaped(caption));
  for (const Cell& cell : head) {
    // Else "90" and "%" could part.
    constexpr std::size_t kShort = 5;
    html += fmt::format("<th scope=\"col\"{}>{}</th>",
                        !cell.number                 ? ""
                        : cell.text.size() <= kShort ? " class=\"n s\""
                                                     : " class=\"n\"",
                        escaped(cell.text));
  }
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", with_breaks(escaped(row[i].text)))
                     : fmt::format("<td{}>{}</td>", width_class(row[i]), escaped(row[i].text));
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string short_prior(std::string_view prior) {
  constexpr std::size_t kLong = 8;
  std::string text;
  for (std::size_t at = 0; at < prior.size();) {
    const std::size_t end = std::min(prior.find_first_not_of("0123456789.", at), prior.size());
    double value = 0;
    const auto [stop, error] = std::from_chars(prior.data() + at, prior.data() + end, value);
    if (end - at > kLong && error == std::errc() && stop == prior.data() + end) {
      text += fmt::format("{:.6g}", value);
    } else {
      text += prior.substr(at, end - at);
    }
    if (end < prior.size()) text += prior[end];
    at = end + 1;
  }
  return text;
}

std::string paragraph(std::string_view text) { return fmt::format("<p>{}</p>\n", escaped(text)); }
std::string folded(std::string_view summary, const std::string& html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escaped(summary), html);
}
std::string capitalised(std::string text) {
  if (!text.empty()) text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
}
std::string list(const std::vector<std::string>& sentences) {
  if (sentences.empty()) return "";
  std::string html = "<ul>\n";
  for (const std::string& one : sentences) html += fmt::format("<li>{}</li>\n", escaped(one));
  return html + "</ul>\n";
}

std::string preformatted(std::string_view name, std::string_view text) {
  return fmt::format("<pre tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</pre>\n", escaped(name), escaped(text));
}

std::string page_html(std::string_view title, std::string_view subtitle, const std::vector<Section>& sections,
                      const nlohmann::ordered_json& data) {
  std::string contents, body;
  for (const Section& section : sections) {
    contents += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", section.id,
                            escaped(section.contents.empty() ? section.heading : section.contents));
    body += fmt::format("<section id=\"{0}\" aria-labelledby=\"h-{0}\">\n<h2 id=\"h-{0}\">{1}</h2>\n{2}</section>\n",
                        section.id, escaped(section.heading), section.html);
  }
  const std::string dumped = json_text(data);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>{0} – "
      "uptake</title>\n<style>\n{1}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#finding\">Skip to the finding</a>\n<header class=\"page\"><h1>{0}</h1>\n"
      "<p>{2}</p></header>\n<main>\n<nav class=\"contents\" "
      "aria-label=\"Contents\"><ol>\n{3}</ol></nav>\n{4}</main>\n<footer><div>Made by uptake, a simulator; this is not "
      "a product of the NHS. {5} Charts drawn with D3 (ISC licence).</div></footer>\n"
      "<script type=\"application/json\" id=\"data\">{6}</script>\n<script>{7}</script>\n<script>{8}</script>\n"
      "<script>{9}</script>\n</body>\n</html>\n",
      escaped(title), asset(uptake_asset_page_css, uptake_asset_page_css_end), escaped(subtitle), contents, body,
      kDataLicence.statement, in_script(dumped), in_script(asset(uptake_asset_d3_js, uptake_asset_d3_js_end)),
      asset(uptake_asset_draw_js, uptake_asset_draw_js_end), asset(uptake_asset_page_js, uptake_asset_page_js_end));
}

std::string interval_figure(nlohmann::ordered_json& data, const std::vector<IntervalRow>& rows, std::string_view unit,
                            std::string_view label, std::string_view caption) {
  using Json = nlohmann::ordered_json;
  Json& figures = data["intervals"];
  if (!figures.is_array()) figures = Json::array();
  Json list = Json::array();
  for (const IntervalRow& row : rows) {
    list.push_back({{"name", row.name},
                    {"observed", row.observed},
                    {"p05", row.p05},
                    {"p25", row.p25},
                    {"p50", row.p50},
                    {"p75", row.p75},
                    {"p95", row.p95},
                    {"hollow", row.is_hollow}});
  }
  figures.push_back({{"rows", std::move(list)}, {"unit", unit}, {"label", label}});
  return fmt::format("<figure class=\"drawn\"><div data-intervals=\"{}\"></div><figcaption>{}</figcaption></figure>\n",
                     figures.size() - 1, escaped(caption));
}

std::string forest_figure(nlohmann::ordered_json& data, nlohmann::ordered_json rows, std::string_view unit,
                          std::string_view label, std::string_view caption) {
  nlohmann::ordered_json& figures = data["forests"];
  if (!figures.is_array()) figures = nlohmann::ordered_json::array();
  figures.push_back({{"rows", std::move(rows)}, {"unit", unit}, {"label", label}});
  return fmt::format("<figure class=\"drawn\"><div data-forest=\"{}\"></div><figcaption>{}</figcaption></figure>\n",
                     figures.size() - 1, escaped(caption));
}

}  // namespace uptake
