#include "uptake/network.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "files/file.hpp"
#include "results/export.hpp"
#include "results/numbers.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {

/// A table that may be larger than memory allows: written as it is made.
class Table {
 public:
  Table(const fs::path& path, std::string_view header) : file_(path) { add("{}\n", header); }
  template <class... Fields>
  void add(fmt::format_string<Fields...> text, Fields&&... fields) {
    fmt::format_to(std::back_inserter(buffer_), text, std::forward<Fields>(fields)...);
    constexpr std::size_t kEnough = 1 << 20;
    if (buffer_.size() >= kEnough) flush();
  }
  fs::path finish() {
    flush();
    file_.put_in_place();
    return file_.path();
  }

 private:
  void flush() {
    write_all(file_.descriptor(), {buffer_.data(), buffer_.size()}, file_.path());
    buffer_.clear();
  }
  Replacement file_;
  fmt::memory_buffer buffer_;
};

/// Shortest decimal that reads back as the same double; empty for "never".
std::string number(double value) { return std::isinf(value) ? std::string() : fmt::format("{}", value); }
std::string index(std::int32_t value) { return value < 0 ? std::string() : fmt::format("{}", value); }

std::string readme(const Model& model, const NetworkProcess& process, const std::string& command) {
  const Scenario& scenario = model.scenario;
  std::string text = fmt::format(
      "# {}\n\nThe network and the random clocks of one world of `{}` as plain text: {} organisations, {} ties, {} "
      "weeks from {}, programme `{}`, strategy `{}`, replicate 0 of seed {}. Made by\n\n    {}\n\n",
      scenario.title, scenario.name, process.nodes.size(), process.ties.size(), process.n_weeks,
      iso(scenario.calendar.start), scenario.programmes.front().name, model.strategies.front().name, scenario.seed,
      command);
  if (process.left_out.empty()) {
    text +=
        "These files decide the world: an engine that runs the process below finds `week` of nodes.csv for every "
        "node.\n";
  } else {
    text +=
        "Beside what these files say, the program does the following, so `week` of nodes.csv may differ from "
        "theirs:\n\n";
    for (const std::string& what : process.left_out) text += fmt::format("- {}\n", what);
  }
  text += R"(
## The process

Time goes in weeks 0, 1, 2, …; boundary t is the start of week t. S_l(t) is the sum of the weights of node's ties in layer l whose
source is in use at boundary t; in the group layers (community, ownership) it is the share in use among the *other*
members of the node's group, cut off after 16 binary digits. The hazard of deciding in week t is

    h(t) = decide_factor(t) [ external(t) + geography(t) S_geography(t) + pathway(t) S_pathway(t)
                                          + community(t) S_community(t) + ownership(t) S_ownership(t) ]

)";
  if (process.engaged_at_start) {
    text += "Everybody is engaged at the start. ";
  } else if (!process.skips_engaged) {
    text +=
        "A node engages in the first week at whose end the sum of `engage_hazard` since the start has reached its "
        "`engage`. ";
  } else {
    text += "There is no stage before deciding. ";
  }
  text +=
      "From the week after it was engaged (or from the start) a node decides in the first week t at whose end the sum "
      "of h has reached `decide`; an empty field is a node that never does. ";
  if (process.skips_implementing) {
    text += "It is then in use from boundary t + 1 on. ";
  } else {
    text +=
        "From boundary t + 1 it implements for `implementing_weeks` weeks; in the last of them it succeeds if "
        "`success_effort` has reached `success_needs`, and is in use from the boundary after it. ";
  }
  if (process.stop_hazard.empty() || process.stop_hazard.front() == 0) {
    text += "Use does not stop. ";
  } else {
    text +=
        "It stops at the end of the week in which the sum of `hazard` of stopping.csv (by weeks in use) times "
        "`stop_factor` reaches `stop`. ";
  }
  text += fmt::format(
      "All changes of a week happen together at its end. The programme begins at boundary {}: before it nothing "
      "happens, "
      "and nodes with `start` = 1 are in use from it on.\n",
      process.begins);
  text += R"(
## The files

Hazards are cumulated hazards: dimensionless, those of weeks.csv per week. Weights and shares lie in [0, 1]. Every
number is a multiple of a power of two (hazards 2^-32, hazards of layers 2^-16, weights 2^-16, thresholds 2^-32, of stopping
2^-48) and written so that it reads back as the same 64-bit float; multiplied by 2^32 all sums of hazards are whole
numbers below 2^63, in which the comparison with a threshold is exact.

| file | column | meaning |
|---|---|---|
| nodes.csv | id | 0, 1, 2, … |
| | code, region | of the organisation |
| | class | row of weeks.csv |
| | effort | row of effort.csv |
| | community, ownership | group, empty = in none or alone in it |
| | start | 1 = in use when the programme begins |
| | engage, decide, stop | thresholds of cumulated hazard: unit exponentials, `decide` over the node's own multiplier of the hazard |
| | implementing_weeks, success_needs | of its first implementation |
| | week | the answer: boundary at which it is first in use; empty = not within the horizon |
| ties.csv | from, to | `to` listens to `from` |
| | layer | geography or pathway |
| | weight | those of a receiver in a layer sum to 1 |
| weeks.csv | class, week | |
| | external, geography, pathway, community, ownership | hazards of deciding, see above |
| effort.csv | effort, from_week | a row holds until the next one of the same `effort` |
| | decide_factor, engage_hazard, success_effort, stop_factor | see above; `engage_hazard` is per week, `success_effort` a logit |
| stopping.csv | weeks_in_use, hazard | hazard of stopping in that week of use |
)";
  return text;
}

}  // namespace

std::vector<fs::path> export_network(const Model& model, const NetworkProcess& process, const std::string& command,
                                     const fs::path& into) {
  const Population& population = *model.population;
  std::vector<fs::path> written;
  Table nodes(into / "nodes.csv",
              "id,code,region,class,effort,community,ownership,start,engage,decide,implementing_weeks,success_needs,"
              "stop,week");
  for (std::size_t i = 0; i < process.nodes.size(); ++i) {
    const NetworkProcess::Node& node = process.nodes[i];
    const auto region = static_cast<std::size_t>(population.region_of(node.organisation));
    nodes.add("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", i, csv_field(population.code[node.organisation]),
              csv_field(population.regions[region].code), node.hazard_class, node.effort, index(node.group[0]),
              index(node.group[1]), node.in_use_at_start ? 1 : 0, number(node.engage), number(node.decide),
              node.implementing_weeks, number(node.success_needs), number(node.stop), index(node.week));
  }
  written.push_back(nodes.finish());

  Table ties(into / "ties.csv", "from,to,layer,weight");
  for (const NetworkProcess::Tie& tie : process.ties) {
    ties.add("{},{},{},{}\n", tie.from, tie.to, NetworkProcess::kLayers[tie.layer], tie.weight);
  }
  written.push_back(ties.finish());

  Table weeks(into / "weeks.csv", "class,week,external,geography,pathway,community,ownership");
  for (std::size_t c = 0; c < process.weeks.size(); ++c) {
    for (std::size_t w = 0; w < process.weeks[c].size(); ++w) {
      const NetworkProcess::Week& week = process.weeks[c][w];
      weeks.add("{},{},{},{},{},{},{}\n", c, w, week.external, week.peer[0], week.peer[1], week.peer[2], week.peer[3]);
    }
  }
  written.push_back(weeks.finish());

  Table effort(into / "effort.csv", "effort,from_week,decide_factor,engage_hazard,success_effort,stop_factor");
  for (std::size_t row = 0; row < process.effort.size(); ++row) {
    for (const NetworkProcess::EffortStep& step : process.effort[row]) {
      effort.add("{},{},{},{},{},{}\n", row, step.from_week, step.decide_factor, step.engage_hazard,
                 step.success_effort, step.stop_factor);
    }
  }
  written.push_back(effort.finish());

  if (!process.stop_hazard.empty() && process.stop_hazard.front() > 0) {
    Table stopping(into / "stopping.csv", "weeks_in_use,hazard");
    for (std::size_t w = 0; w < process.stop_hazard.size(); ++w) stopping.add("{},{}\n", w, process.stop_hazard[w]);
    written.push_back(stopping.finish());
  }
  replace_file(into / "README.md", readme(model, process, command));
  written.push_back(into / "README.md");
  return written;
}

}  // namespace uptake
