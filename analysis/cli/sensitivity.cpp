#include "results/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "all_at_once.hpp"
#include "commands.hpp"
#include "files/json_text.hpp"
#include "files/results_file.hpp"
#include "progress.hpp"
#include "report/crate.hpp"
#include "report/report.hpp"
#include "report/run_view.hpp"
#include "results/compare.hpp"
#include "results/finding.hpp"
#include "results/numbers.hpp"
#include "results/wording.hpp"
#include "run_folder.hpp"
#include "text_file.hpp"

namespace uptake::cli {

namespace {
using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_of(const OneWayStudy& study, const std::string& scenario) {
  Json rows = Json::array();
  for (const OneWay& one : study.parameters) {
    rows.push_back({{"parameter", one.parameter},
                    {"unit", one.unit},
                    {"value", one.value},
                    {"low", one.low},
                    {"high", one.high},
                    {"at_low", number(one.at_low)},
                    {"at_high", number(one.at_high)},
                    {"error_low", number(one.error_low)},
                    {"error_high", number(one.error_high)},
                    {"grade", one.grade},
                    {"source", one.source}});
  }
  return {{"schema", kJsonSchema},
          {"method", "one-way"},
          {"scenario", scenario},
          {"strategy", study.strategy},
          {"comparator", study.comparator},
          {"metric", study.metric},
          {"unit", study.unit},
          {"view", "net"},
          {"region", study.region},
          {"place", study.place},
          {"to", study.date},
          {"replicates", study.n_replicates},
          {"base", number(study.base)},
          {"base_error", number(study.base_error)},
          {"parameters", std::move(rows)}};
}

/// What is said instead of a table of noughts.
void print_nil(const OneWayStudy& study, const Model& model) {
  // One metric says nothing of the others: two worlds can differ in those.
  const std::string why = delivers_effort(model, lead_strategy(model.scenario))
                              ? std::string()
                              : fmt::format("; {} delivers no network effort", study.strategy);
  fmt::print("{} of {} against {}, net, {}, to {}: 0\n\n", study.metric, study.strategy, study.comparator, study.place,
             study.date);
  fmt::print("{}", paragraph(study.strategy == study.comparator
                                 ? same_world_text(study.strategy, study.comparator, "") + ", whatever is assumed."
                                 : fmt::format("It is 0 in every world simulated, whatever is assumed{}.", why),
                             kNarrowest));
}

void print_table(const OneWayStudy& study, Metric metric) {
  std::vector<double> figures{study.base};
  for (const OneWay& one : study.parameters) figures.insert(figures.end(), {one.at_low, one.at_high});
  const RowUnit unit(metric, Medium::terminal, figures);
  const auto said = [](const std::string& text) { fmt::print("{}\n", paragraph(text, kNarrowest)); };
  said(fmt::format("{} of {} against {}, net, {}, to {}: {} {} (s.e. {})",
                   unit.label(study.region == kEngland ? 0 : RowUnit::kARegion), study.strategy, study.comparator,
                   study.place, study.date, unit.text(study.base), where_a_study_stands(study.is_calibrated),
                   unit.text(study.base_error)));
  fmt::print("{:<34}{:>12}{:>12}{:>11}{:>11}\n", "one assumption at a time", "low", "high", "at low", "at high");
  for (const OneWay& one : study.parameters) {
    if (one.at_low == one.at_high) break;  // the rest change nothing
    // A blank stands before every column, whatever its number.
    fmt::print("{:<33} {:>12} {:>11} {:>10} {:>10}\n", one.parameter, parameter_text(one.low), parameter_text(one.high),
               unit.text(one.at_low), unit.text(one.at_high));
  }
  const auto idle =
      std::ranges::count_if(study.parameters, [](const OneWay& one) { return one.at_low == one.at_high; });
  if (idle > 0) fmt::print("{} other assumptions change nothing here\n", idle);
  fmt::print("\n{}",
             paragraph(fmt::format("low, high = 5 and 95 % points of what is assumed. {}", kNotTheMean), kNarrowest));
}

Problem unknown_metric(const std::string& name, std::string what, std::span<const std::string_view> known) {
  const std::string nearest = nearest_name(name, known);
  return {"--metric " + name, std::move(what),
          nearest.empty() ? "docs/results-format.md lists them" : fmt::format("did you mean \"{}\"?", nearest)};
}

/// A study beside results is shown on their page, so it must be about their place.
void check_place(const std::filesystem::path& folder, const Model& model, const SummaryLayout& layout) {
  if (!std::filesystem::exists(folder / "results.h5")) return;
  const ResultsFile results(folder / "results.h5");
  const int place = focus_place(layout, model.scenario);
  const std::string& region = layout.regions[static_cast<std::size_t>(place)];
  const std::string of_results = results.has("provenance/focus") ? results.text("provenance/focus") : region;
  if (of_results == region) return;
  const auto at = std::ranges::find(layout.regions, of_results);
  throw InputError(
      {{folder.string(),
        fmt::format("holds results about {}, and the study is about {}",
                    at == layout.regions.end()
                        ? of_results
                        : in_sentence(place_in_words(model, layout, static_cast<int>(at - layout.regions.begin()))),
                    in_sentence(place_in_words(model, layout, place))),
        "give both the same focus, or choose another folder with -o"}});
}

/// It must be of their scenario, too.
void check_folder(const std::filesystem::path& folder, const Scenario& scenario, const Output& output) {
  if (!std::filesystem::exists(folder / kRunFile)) return;
  const auto facts = nlohmann::json::parse(read_text(folder / kRunFile), nullptr, false);
  const auto says = [&](const char* key, const std::string& value) {
    return !facts.is_object() || !facts.contains(key) || facts[key] == value;
  };
  if (!says("scenario", scenario.name))
    throw InputError({{folder.string(), fmt::format("holds results of another scenario than {}", scenario.name),
                       "choose another folder with -o"}});
  if (!says("digest", scenario.digest) && output.verbosity == Verbosity::normal)
    print_warnings({{folder.string(), "holds results of other values of this scenario than the study",
                     "give both the same --set, --seed and --posterior"}});
}
}  // namespace

ExitCode sensitivity(const SensitivityOptions& options, const Output& output) {
  AllAtOnce all;
  if (options.metric && !find_metric(*options.metric)) {  // of no scenario
    std::vector<std::string_view> names;
    for (const MetricSpec& metric : metric_table()) names.push_back(metric.name);
    all.add(unknown_metric(*options.metric, "is no metric", names));
  }
  const std::shared_ptr<const Model> model =
      all([&] {
        Scenario scenario = scenario_of(options.scenario, options.overrides);
        auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
        return make_model(std::move(scenario), std::move(population));
      }).value_or(nullptr);
  all.throw_if_any();
  const SummaryLayout layout = make_layout(*model);

  if (options.folder) {
    check_place(*options.folder, *model, layout);
    check_folder(*options.folder, model->scenario, output);
  }

  Metric metric = leading_metric(*model, layout);
  if (options.metric) {
    const auto row = std::ranges::find(metric_table(), *options.metric, &MetricSpec::name);
    if (row == metric_table().end() || !is_given(*model, layout, row->id)) {
      std::vector<std::string_view> names;
      for (const Block& block : layout.blocks) {
        if (block.axis == Axis::report && is_given(*model, layout, block.metric))
          names.push_back(spec(block.metric).name);
      }
      if (row != metric_table().end() && row->own_world)
        throw InputError({{"--metric " + *options.metric, "is a return of one world and says nothing of a difference",
                           "choose roi_net or present_value_cash_gbp"}});
      if (row != metric_table().end() && layout.find(row->id, Axis::report) != nullptr)
        throw InputError(
            {{"--metric " + *options.metric,
              fmt::format("is given for {} alone, and the scenario's focus is {}",
                          in_sentence(place_in_words(*model, layout, 0)),
                          in_sentence(place_in_words(*model, layout, focus_place(layout, model->scenario)))),
              "choose another metric, or leave out the focus"}});
      throw InputError({unknown_metric(*options.metric, "is no metric of this scenario's report dates", names)});
    }
    metric = row->id;
  }

  const Interruption interruption;
  Control control;
  control.n_threads = options.n_threads;
  control.stop = interruption.token();
  ProgressLine progress(options.progress, output.verbosity);
  control.progress = [&](const Progress& now) { progress.show(now); };
  const OneWayStudy study = one_way(model, layout, metric, options.n_replicates, control);
  if (control.stop.stop_requested()) {
    tell("interrupted: nothing was written; the study starts again from the beginning\n");
    return ExitCode::interrupted;
  }

  const Json json = json_of(study, model->scenario.name);
  if (options.folder) {
    write_text(*options.folder / "sensitivity.json", json_text(json, 2) + "\n");
    if (std::filesystem::exists(*options.folder / "results.h5")) {
      const Run run(*options.folder);
      write_report(run, *options.folder, data_folder() / "england");
      write_crate(*options.folder, &run.file);
    }
  }
  if (output.format == Format::json) {
    fmt::print("{}\n", json_text(json, 2));
  } else {
    is_nil(study) ? print_nil(study, *model) : print_table(study, metric);
  }
  if (options.folder) {
    const bool has_page = std::filesystem::exists(*options.folder / "results.h5");
    say(output, fmt::format("sensitivity.json{} in {}", has_page ? " and report.html" : "", options.folder->string()));
  }
  return ExitCode::done;
}

}  // namespace uptake::cli
