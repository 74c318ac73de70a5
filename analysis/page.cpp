#include "page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace uptake {

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

std::string date_text(Date date) {
  constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                     "May",       "June",     "July",     "August",
                                                     "September", "October",  "November", "December"};
  const std::chrono::year_month_day day{date};
  return fmt::format("{} {} {}", static_cast<unsigned>(day.day()), kMonths[static_cast<unsigned>(day.month()) - 1],
                     static_cast<int>(day.year()));
}

Cell number_cell(std::string text) { return {std::move(text), true}; }

std::string table(std::string_view caption, const std::vector<Cell>& head, const std::vector<std::vector<Cell>>& rows) {
  std::string html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
      escaped(caption));
  for (const Cell& cell : head) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", cell.number ? " class=\"n\"" : "", escaped(cell.text));
  }
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", escaped(row[i].text))
                     : fmt::format("<td{}>{}</td>", row[i].number ? " class=\"n\"" : "", escaped(row[i].text));
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
std::string folded(std::string_view summary, const std::string& html, bool is_open) {
  return fmt::format("<details{}><summary>{}</summary>\n{}</details>\n", is_open ? " open" : "", escaped(summary),
                     html);
}
std::string list(const std::vector<std::string>& sentences) {
  if (sentences.empty()) return "";
  std::string html = "<ul>\n";
  for (const std::string& one : sentences) html += fmt::format("<li>{}</li>\n", escaped(one));
  return html + "</ul>\n";
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

}  // namespace uptake
