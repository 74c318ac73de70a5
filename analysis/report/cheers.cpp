#include "report/cheers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "report/run_view.hpp"
#include "results/numbers.hpp"
#include "results/wording.hpp"
#include "uptake/parameters.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {

/// What the run at hand says, and where more stands.
struct Source {
  const Run& run;
  const fs::path &folder, &scenarios;
};

// ---- Markdown -----------------------------------------------------------------------------------------------------

/// Text that may stand in a cell of a table.
std::string cell(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '|') safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}
std::string table_row(std::initializer_list<std::string_view> cells) {
  std::string text = "|";
  for (const std::string_view one : cells) text += fmt::format(" {} |", cell(one));
  return text + "\n";
}
std::string table_head(std::initializer_list<std::string_view> cells) {
  std::string rule = "|";
  for (std::size_t i = 0; i < cells.size(); ++i) rule += "---|";
  return table_row(cells) + rule + "\n";
}
std::string bullet(std::string_view text) { return fmt::format("* {}\n", text); }

// ---- What several items need --------------------------------------------------------------------------------------

/// Parameters in words, so many at most: a portfolio has a thousand. [A]
constexpr std::size_t kMostInList = 25;
std::string parameter_bullets(const Run& run, const std::function<bool(const ParameterLine&)>& is_meant) {
  std::string text;
  std::size_t n = 0;
  for (const ParameterLine& p : parameters_of(run)) {
    if (!is_meant(p) || !p.acts || (p.value == 0 && p.prior == "fixed(0)")) continue;
    if (++n > kMostInList) continue;
    const std::string source = p.source_text();
    text += bullet(fmt::format("`{}` = {}{} ({}{}; {}{}): {}", p.label, p.value_text(), unit_behind(p.unit),
                               p.posterior ? "" : "prior ", p.drawn_from(), p.grade,
                               source.empty() ? "" : "; " + source, p.meaning));
  }
  if (n > kMostInList) text += bullet(fmt::format("and {} more in `/parameters`", n - kMostInList));
  return text;
}
auto with_key(Parameter id) {
  return [id](const ParameterLine& p) { return p.key == spec(id).key; };
}

std::string where(const Run& run, std::string_view metric, std::string_view view) {
  return fmt::format("`/report/{}`, strategy `{}`, view `{}`, region `{}`, report `{}`", metric, run.strategy(run.lead),
                     view, run.place_name(), run.reports.front());
}

/// Columns of a table of figures: gross, without, net and its interval. @param label of a row; empty = the measure
std::string figures_row(const Run& run, Metric metric, std::string_view label, int place) {
  const auto at = [&](View view) { return run.report(metric, run.lead, view, run.programme, 0, place); };
  const auto gross = at(View::gross), without = at(View::counterfactual), net = at(View::net);
  if (!gross && !net) return {};
  const RowUnit unit(metric, Medium::page, {gross, without, net});
  return table_row({label.empty() ? unit.label(place) : fmt::format("{}: {}", label, unit.label(place)),
                    fmt::format("`{}`", spec(metric).name), unit.mean(gross), unit.mean(without), unit.mean(net),
                    unit.range(net)});
}
std::string figures_head() {
  return table_head({"measure", "dataset of `/report`", "gross", "without", "net", "90 % of net"});
}

// ---- The items that a run can say something of --------------------------------------------------------------------

std::string study_population(const Source& from) {
  const Run& run = from.run;
  const Labelled eligible = run.file.numbers("eligible");
  if (eligible.values.size() != run.programmes.size() * run.regions.size())
    throw run.file.broken("its eligible organisations are not those of its programmes and regions");
  std::string text;
  for (std::size_t p = 0; p < run.programmes.size(); ++p)
    text += bullet(fmt::format("{}: {} organisations eligible in {} (`/eligible`)", run.programmes[p],
                               grouped(eligible.values[p * run.regions.size() + static_cast<std::size_t>(run.place)]),
                               in_sentence(run.place_words())));
  return text + bullet(fmt::format("Population: {} (`/provenance/population_vintage`)",
                                   run.file.text("provenance/population_vintage")));
}

std::string setting(const Source& from) {
  const Run& run = from.run;
  return bullet(fmt::format("{}; {} below it (axis `region`)", run.place_words(),
                            plural(run.regions.size() - 1, "region"))) +
         bullet(fmt::format("{} to {}", iso(run.report_from.front()), iso(run.report_to.back())));
}

std::string comparators(const Source& from) {
  const Run& run = from.run;
  std::string text;
  for (std::size_t s = 0; s < run.strategies.size(); ++s) {
    const bool is_lead = static_cast<int>(s) == run.lead, is_comparator = static_cast<int>(s) == run.comparator;
    text += bullet(fmt::format("`{}`{}", run.strategies[s],
                               is_lead         ? ": what the results are about"
                               : is_comparator ? ": the comparator, what net is against"
                                               : ""));
  }
  return text +
         "\nEach runs in the same random worlds; net is the difference replicate by replicate. What a strategy "
         "delivers: `/provenance/scenario_text` and `/provenance/deliveries`.\n";
}

std::string perspective(const Source& from) {
  const Run& run = from.run;
  std::string text;
  for (const std::string_view metric :
       {"savings_cash_gbp", "capacity_released_gbp", "cost_gbp", "cost_public_gbp", "social_value_gbp"})
    if (const Cube* cube = run.cube(fmt::format("report/{}", metric)))
      text += bullet(fmt::format("`{}`: {}", metric, cube->data().long_name));
  return text + bullet(
                    "Cash and released capacity are given apart; only the value of what is avoided and the net present "
                    "value count both.");
}

std::string horizon(const Source& from) {
  const Run& run = from.run;
  std::string dates;
  for (const std::string& report : run.reports) dates += (dates.empty() ? "" : ", ") + report;
  return bullet(fmt::format("From {} to {} (`/time`)", iso(run.report_from.front()), iso(run.times.back()))) +
         bullet(fmt::format("Report dates: {}; the first is the headline", dates));
}

std::string discounting(const Source& from) {
  return parameter_bullets(from.run, with_key(Parameter::discount_money)) +
         parameter_bullets(from.run, with_key(Parameter::discount_health)) +
         bullet("Present values and returns are discounted to the start; all other money is not.");
}

std::string outcomes_chosen(const Source& from) {
  std::string text;
  for (const Metric metric : kOutcomeRows)
    if (from.run.headline(spec(metric).name, View::gross) || from.run.headline(spec(metric).name, View::net))
      text += bullet(fmt::format("{} (`{}`)", spec(metric).label, spec(metric).name));
  return text + bullet("A measure for which no effect, price or QALY was read is left out, never nought.");
}

std::string outcomes_measured(const Source& from) {
  std::string text = "Effects go in as parameters, and do not come out:\n\n";
  return text += parameter_bullets(from.run, [](const ParameterLine& p) { return p.key.starts_with("effect."); });
}

std::string outcomes_valued(const Source& from) {
  std::string text;
  for (const Parameter id :
       {Parameter::qalys_per_event, Parameter::qalys_per_person, Parameter::qaly_value, Parameter::value_per_event,
        Parameter::value_per_person, Parameter::social_value_per_event})
    text += parameter_bullets(from.run, with_key(id));
  if (!from.run.headline("qalys", View::gross))
    text += bullet("No QALY per event or person was read: health is counted in events, not valued in QALYs.");
  return text;
}

std::string costs(const Source& from) {
  return parameter_bullets(from.run, [](const ParameterLine& p) {
    return p.key.starts_with("cost.") || p.key == spec(Parameter::admission_price).key ||
           p.key == spec(Parameter::bed_day_price).key || p.key == spec(Parameter::cashable_share).key;
  });
}

std::string currency(const Source& from) {
  const std::string year = from.run.file.attribute("report/cost_gbp", "price_year");
  return bullet(fmt::format("GBP at prices of {} (attribute `price_year`)", year.empty() ? "each year" : year)) +
         parameter_bullets(from.run, with_key(Parameter::deflator));
}

std::string model(const Source& from) {
  const ResultsFile& file = from.run.file;
  return bullet(fmt::format("uptake {}, commit {} (`/provenance`): an agent-based simulation; organisations take up an "
                            "innovation in stages, by their own doing, by their ties and by the effort spent on them",
                            file.text("provenance/version"), file.text("provenance/git_id"))) +
         bullet(
             "Description by the ODD protocol (Grimm et al. 2020): `docs/odd.md`; verification and validation by TRACE "
             "and ISPOR-SMDM: `docs/validation.md`; what it must not be used for: `docs/limits.md`") +
         bullet(fmt::format("Licence of the program: {} ({})", kProgramLicence.name, kProgramLicence.url)) +
         bullet(fmt::format("Repeated to the same bytes by `{}`", repeating_command(from.run, from.scenarios)));
}

std::string analytics(const Source& from) {
  const Run& run = from.run;
  return bullet(fmt::format("{}, each with its own random world{}; seed {}, {}",
                            plural(static_cast<std::size_t>(run.n_replicates()), "replicate"),
                            run.is_drawn() ? " and its own draw of the parameters" : "; parameters at their defaults",
                            run.file.text("provenance/seed_text"), run.file.text("provenance/generator"))) +
         bullet(grades_in_words(parameters_of(run)) + " (`/parameters/grade`)") +
         bullet("No half-cycle correction (steps of a week) and no extrapolation beyond the horizon");
}

std::string heterogeneity(const Source& from) {
  const Run& run = from.run;
  const Metric metric = subject_of(run).metric;
  std::string rows;
  for (int place = 1; place < static_cast<int>(run.regions.size()); ++place)
    rows += figures_row(run, metric, run.regions[static_cast<std::size_t>(place)], place);
  if (rows.empty()) return bullet("Nothing differs by region in this run.");
  return fmt::format("By region, to {}:\n\n", run.reports.front()) + figures_head() + rows;
}

std::string distribution(const Source& from) {
  std::string rows;
  const Run& run = from.run;
  for (const Metric metric : kEquityRows)
    if (run.report(metric, run.lead, View::gross, run.programme, 0, 0)) rows += figures_row(run, metric, {}, 0);
  if (rows.empty()) return {};
  return fmt::format("In {}, on {}; deprivation is that of the organisation's area:\n\n", run.words_of_place(0),
                     run.reports.front()) +
         figures_head() + rows;
}

std::string uncertainty_method(const Source& from) {
  const Run& run = from.run;
  return bullet(run.is_calibrated() ? calibration_sentence(run)
                : run.is_drawn()    ? "Parameters are drawn anew from their priors in each replicate (probabilistic "
                                      "sensitivity analysis); they are not calibrated to the record"
                                    : "Parameters stand at their defaults: intervals show chance alone") +
         bullet(
             "Intervals are 90 % (5th and 95th percentile over replicates, type 7); `mcse` is the simulation error of "
             "a mean") +
         bullet("Structure is not varied; see `docs/limits.md`");
}

/// Rows of the table of parameters that a checklist still holds: that of one programme and the economy. [A]
constexpr std::size_t kMostInTable = 150;
std::string study_parameters(const Source& from) {
  const auto lines = parameters_of(from.run);
  if (lines.size() > kMostInTable)
    return bullet(fmt::format("{} parameters: `/parameters` of results.h5, or `uptake params SCENARIO`", lines.size()));
  std::string text = table_head(
      {"parameter", "value", "unit", from.run.is_calibrated() ? "prior or posterior" : "prior", "grade", "source"});
  for (const ParameterLine& p : lines)
    text += table_row({fmt::format("`{}`", p.label), p.value_text(), p.unit, p.drawn_from(), p.grade, p.source_text()});
  return text;
}

std::string main_results(const Source& from) {
  const Run& run = from.run;
  std::string text =
      finding_sentence(run, iso(run.report_from.front()), iso(run.report_to.front())) + "\n\n" + figures_head();
  for (const Metric metric : kOutcomeRows) text += figures_row(run, metric, {}, run.place);
  return text;
}

std::string effect_of_uncertainty(const Source& from) {
  const Run& run = from.run;
  const Subject& subject = subject_of(run);
  const std::string metric(spec(subject.metric).name);
  std::string text;
  const auto chance = [&](const std::string& of, double bound, std::string_view what) {
    if (const auto share = chance_above(run, of, bound))
      text += bullet(fmt::format("{}: {} of replicates (`/replicates/{}`)", what, percent_of_worlds(*share), of));
  };
  chance(metric, 0, fmt::format("Net effect above 0 ({})", subject.noun));
  chance("net_present_value_gbp", 0, "Net present value above 0 (health not counted)");
  if (const auto net = run.headline(metric, View::net))
    text += bullet(fmt::format("Simulation error of the net mean: {} ({}, statistic `mcse`)", rounded(net->mcse),
                               where(run, metric, "net")));
  if (const auto found = cost_effectiveness_of(run)) {
    for (const auto& [threshold, share] : found->acceptability)
      text += bullet(fmt::format("Worth its cost if a QALY is worth GBP {}: {:.0f} % of replicates", grouped(threshold),
                                 100 * share));
  } else {
    text += bullet("No acceptability curve: it needs one programme and QALYs.");
  }
  const auto [study, of_another] = one_way_study(from.run, from.folder);
  if (is_same_world(from.run)) {
    text += bullet("No assumption moves the net result: it is 0 in every world simulated.");
  } else if (!study.is_null()) {
    constexpr std::size_t kMostNamed = 5;
    const auto words = [](const nlohmann::ordered_json& value) { return value.get<std::string>(); };
    const auto result = [](const nlohmann::ordered_json& value) {
      return value.is_number() ? rounded(value.get<double>()) : std::string("-");
    };
    text += bullet(fmt::format("What moves the net result most, one at a time (`sensitivity.json`, `{}`, {}):",
                               words(study["metric"]), from.run.place_words()));
    for (std::size_t i = 0; i < std::min(kMostNamed, study["parameters"].size()); ++i) {
      const auto& row = study["parameters"][i];
      text += fmt::format("  * `{}` from {:.3g} to {:.3g} {}: {} to {}\n", words(row["parameter"]),
                          row["low"].get<double>(), row["high"].get<double>(), words(row["unit"]),
                          result(row["at_low"]), result(row["at_high"]));
    }
  } else {
    text += bullet(fmt::format(
        "One-way sensitivity was not run{} (`uptake sensitivity SCENARIO --method one-way -o FOLDER` puts it here).",
        of_another.empty() ? std::string()
                           : fmt::format(" on this; `sensitivity.json` is about something else: {}", of_another)));
  }
  return text + bullet("Value of information is not worked out.");
}

std::string title(const Source& from) { return bullet(fmt::format("Title of the scenario: {}", from.run.title)); }
std::string limitations(const Source&) {
  return bullet("What the model leaves out and must not be used for: `docs/limits.md`");
}

// ---- The checklist ------------------------------------------------------------------------------------------------

struct Item {
  std::string_view topic;
  std::string (*fill)(const Source&);  ///< null: nothing of it is in a run
  std::string_view authors;            ///< what is left to them; empty for nothing
  bool is_material = false;            ///< what the run says is only material for the authors
};

/// Topics in the words of the checklist (Husereau et al. 2022, table 1), in its order.
constexpr std::array<Item, 28> kItems{{
    {"Title", title, "the title: name it an economic evaluation, and what is compared", true},
    {"Abstract", nullptr, "the structured summary; figures under item 23"},
    {"Background and objectives", nullptr, "context, question, and what decision hangs on it"},
    {"Health economic analysis plan", nullptr, "whether there was one, and where it is"},
    {"Study population", study_population, "the people whom these organisations serve"},
    {"Setting and location", setting, "what of the setting bears on the findings"},
    {"Comparators", comparators, "why these were chosen"},
    {"Perspective", perspective, "which perspective the study takes, and why"},
    {"Time horizon", horizon, "why it is long enough"},
    {"Discount rate", discounting, ""},
    {"Selection of outcomes", outcomes_chosen, ""},
    {"Measurement of outcomes", outcomes_measured, ""},
    {"Valuation of outcomes", outcomes_valued, ""},
    {"Measurement and valuation of resources and costs", costs, ""},
    {"Currency, price date, and conversion", currency, ""},
    {"Rationale and description of model", model, "why a model, and why this one"},
    {"Analytics and assumptions", analytics, ""},
    {"Characterising heterogeneity", heterogeneity, ""},
    {"Characterising distributional effects", distribution, ""},
    {"Characterising uncertainty", uncertainty_method, ""},
    {"Approach to engagement with patients and others affected by the study", nullptr, "who was engaged, and how"},
    {"Study parameters", study_parameters, ""},
    {"Summary of main results", main_results, ""},
    {"Effect of uncertainty", effect_of_uncertainty, ""},
    {"Effect of engagement with patients and others affected by the study", nullptr, "what engagement changed"},
    {"Study findings, limitations, generalisability, and current knowledge", limitations,
     "findings, limits, equity, and what they mean for patients, policy and practice", true},
    {"Source of funding", nullptr, "who paid, and what part the funder had"},
    {"Conflicts of interest", nullptr, "those of the authors"},
}};

}  // namespace

std::string cheers_checklist(const Run& run, const fs::path& folder, const fs::path& scenarios) {
  const Source from{run, folder, scenarios};
  struct Filled {
    std::string text;
    std::string_view state;
  };
  std::vector<Filled> filled;
  for (const Item& item : kItems) {
    Filled one{item.fill == nullptr ? std::string() : item.fill(from), ""};
    one.state = one.text.empty() || item.is_material ? "for the authors"
                : item.authors.empty()               ? "filled"
                                                     : "filled; reasons for the authors";
    filled.push_back(std::move(one));
  }
  std::string text = fmt::format(
      "# CHEERS 2022 checklist: {}\n\nThe 28 items of CHEERS 2022 (Husereau et al. 2022, BMC Medicine 20:23), filled "
      "by uptake {} from `results.h5` of the scenario {} (digest {}). Names such as `/report/cost_gbp` are datasets of "
      "that file. What the program cannot know is marked **for the authors**. Figures are simulated, in {}, for `{}` "
      "against `{}`.\n\n",
      run.title, run.file.text("provenance/version"), run.file.text("provenance/scenario"),
      run.file.text("provenance/digest"), in_sentence(run.place_words()), run.strategy(run.lead),
      run.strategy(run.comparator));
  text += table_head({"item", "topic", "state"});
  for (std::size_t i = 0; i < kItems.size(); ++i)
    text += table_row({fmt::format("{}", i + 1), kItems[i].topic, filled[i].state});
  for (std::size_t i = 0; i < kItems.size(); ++i) {
    text += fmt::format("\n## {} {}\n\n", i + 1, kItems[i].topic) + filled[i].text;
    if (!kItems[i].authors.empty() || filled[i].text.empty())
      text += fmt::format("{}**For the authors:** {}.\n", filled[i].text.empty() ? "" : "\n",
                          kItems[i].authors.empty() ? "nothing of this is in the run" : kItems[i].authors);
  }
  return text + fmt::format("\n{}\n", kDataLicence.statement);
}

}  // namespace uptake
