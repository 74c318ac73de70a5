/// A finished run as its page and its checklists see it: what results.h5 holds, with its labels resolved once.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "files/results_file.hpp"
#include "results/finding.hpp"
#include "uptake/calendar.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// Statistics of one value, as in the file.
using Spread = Statistics;

/// One variable of statistics with its axes resolved once.
class Cube {
 public:
  explicit Cube(Labelled data);
  /// Indices along (strategy or driver, view, programme, time, place); an axis that is not there takes index 0 alone.
  [[nodiscard]] std::optional<Spread> at(int strategy, View view, int programme, int time, int place) const;
  [[nodiscard]] bool by_place() const;
  [[nodiscard]] const Labelled& data() const { return data_; }

 private:
  Labelled data_;
  std::vector<std::size_t> steps_;
};

/// What results.h5 says of a run. Indices are those of its axes. @throws FileError when it is missing or broken
class Run {
 public:
  explicit Run(const std::filesystem::path& folder);
  explicit Run(ResultsFile opened);

  /// Null when there is no such dataset. Read once.
  [[nodiscard]] const Cube* cube(const std::string& path) const;
  /// Values of a report metric by replicate, in one strategy's worlds at one report date, in the place that the run is
  /// about; empty when none are kept, or those of the country alone. Takes no more memory, beside the result, the more
  /// replicates there are.
  [[nodiscard]] std::vector<double> by_replicate(const std::string& metric, int strategy, int of_programme,
                                                 int report) const;
  /// A metric of the report dates; nothing where it is undefined.
  [[nodiscard]] std::optional<Spread> report(std::string_view metric, int strategy, View view, int of_programme,
                                             int time, int at_place) const;
  [[nodiscard]] std::optional<Spread> report(Metric metric, int strategy, View view, int of_programme, int time,
                                             int at_place) const {
    return report(spec(metric).name, strategy, view, of_programme, time, at_place);
  }
  /// Of the lead strategy at the first report date, in the place that the run is about.
  [[nodiscard]] std::optional<Spread> headline(std::string_view metric, View view) const {
    return report(metric, lead, view, programme, 0, place);
  }
  [[nodiscard]] bool is_drawn() const { return file.text("provenance/parameters") != "defaults"; }
  [[nodiscard]] bool is_calibrated() const { return file.has("provenance/calibration"); }
  [[nodiscard]] int n_replicates() const;
  /// Programmes, without the line of all together.
  [[nodiscard]] int n_own_programmes() const {
    return static_cast<int>(programmes.size()) - (programmes.size() > 1 && programmes.back() == "all" ? 1 : 0);
  }
  /// The region that the run is about as its axis has it, for looking things up.
  [[nodiscard]] const std::string& place_name() const { return regions[static_cast<std::size_t>(place)]; }
  /// The same as a page names it.
  [[nodiscard]] std::string place_words() const { return words_of_place(static_cast<std::size_t>(place)); }
  /// A place of the axis as a page names it: networks by the short form that scenarios take too.
  [[nodiscard]] std::string words_of_place(std::size_t of) const {
    return of == 0 ? population : std::string(short_region(regions[of]));
  }
  /// A programme as a page names it; all of them by "all together".
  [[nodiscard]] const std::string& title_of(std::size_t of) const { return titles[of]; }
  /// By a name of the axis; a name that is not there as it is.
  [[nodiscard]] std::string title_of(const std::string& name) const;
  /// Whether the run is about its growth ledger.
  [[nodiscard]] bool is_about_growth() const {
    return file.has("provenance/about") && file.text("provenance/about") == "growth ledger";
  }
  [[nodiscard]] bool is_england() const { return population == kEngland; }
  [[nodiscard]] const std::string& strategy(int s) const { return strategies[static_cast<std::size_t>(s)]; }

  ResultsFile file;
  std::vector<std::string> strategies, programmes, regions, boards, reports, years;
  std::string title;
  std::string population, population_note;  ///< who the organisations are; what else must be known of them
  std::vector<std::string> titles;          ///< by programme of the axis
  std::vector<std::string> events;          ///< by programme, in words; empty where it avoids no events
  std::vector<Date> times, report_from, report_to, year_from, year_to;
  int comparator = 0, lead = 0;
  int programme = 0;  ///< that the page opens with
  int place = 0;      ///< 0 = the country

 private:
  mutable std::map<std::string, std::optional<Cube>> cubes_;
  /// Of the metrics read last, [replicate][strategy][programme][report] in the place that the run is about.
  mutable std::map<std::string, std::vector<double>> replicates_;
  mutable std::size_t kept_ = 0;  ///< bytes of them
};

/// One row of /parameters.
struct ParameterLine {
  std::string label, programme, key, unit, prior, grade, source, meaning;
  double value = 0;  ///< the middle of the draws where they are those of a posterior
  bool acts = true;  ///< whether it has a part in what the run says
  bool decides = false;
  /// Of what is drawn from a posterior: its 90 % interval, and the default in whose place it stands.
  struct OfPosterior {
    double low, high, unused;
  };
  std::optional<OfPosterior> posterior;

  [[nodiscard]] std::string value_text() const;
  /// Its prior, or "posterior, 90 %: 0.1 to 0.5".
  [[nodiscard]] std::string drawn_from() const;
  /// Its source, and which default is not used.
  [[nodiscard]] std::string source_text() const;
};
/// @throws FileError when columns do not fit together
[[nodiscard]] std::vector<ParameterLine> parameters_of(const Run& run);
/// How many of those that act have a grade.
[[nodiscard]] std::size_t n_graded(const std::vector<ParameterLine>& lines, Grade grade);
[[nodiscard]] std::size_t n_acting(const std::vector<ParameterLine>& lines);
/// "Of the 68 parameters that this run uses, 9 were read in a source, 15 derived from read figures, 40 are assumptions, and
/// 4 are known from the posterior".
[[nodiscard]] std::string grades_in_words(const std::vector<ParameterLine>& lines);

/// What the finding is about.
[[nodiscard]] const Subject& subject_of(const Run& run);
/// Whether no outcome of the lead strategy differs from the comparator's at any report date, in the place that the run is
/// about: nothing sets the two apart.
[[nodiscard]] bool is_same_world(const Run& run);
inline constexpr std::string_view kTheSupport = "the support";
/// What brings about what is net: kTheSupport where the network's alone sets the lead strategy apart from its
/// comparator, else that strategy by name (more than was delivered, say, or a tariff in a world without the network).
[[nodiscard]] std::string what_adds(const Run& run);
/// `5 (90 % interval 3 to 7)`, or the mean alone when all replicates agree.
[[nodiscard]] std::string interval(const Spread& s);
/// `3 to 7`; empty when all replicates agree.
[[nodiscard]] std::string range(const Spread& s);
/// The finding in a sentence. @param from, to the first report window, as its reader writes dates
[[nodiscard]] std::string finding_sentence(const Run& run, std::string_view from, std::string_view to);
/// What is calibrated and what of it the record does not inform, as the run says it of itself.
[[nodiscard]] std::string calibration_sentence(const Run& run);
/// The command that gives the same bytes again with the same version.
/// @param scenarios folder of the shipped ones: where this is one of them, the command names its place
[[nodiscard]] std::string repeating_command(const Run& run, const std::filesystem::path& scenarios);

/// Strategy less baseline, replicate by replicate; what is paired already as it is.
[[nodiscard]] std::vector<double> difference_by_replicate(const Run& run, const std::string& metric, int strategy,
                                                          int baseline, int programme, int report);
/// Share of the defined values that are above a bound; nothing where none is defined.
[[nodiscard]] std::optional<double> share_above(std::span<const double> values, double bound);
/// Share of the replicates in which the net effect at a report date is above a bound.
[[nodiscard]] std::optional<double> chance_above(const Run& run, const std::string& metric, double bound,
                                                 int report = 0);

/// Extra cost against extra QALYs, replicate by replicate, at the first report date.
struct CostEffectiveness {
  std::vector<double> qalys, cost;  ///< QALYs and GBP, all funders
  bool net_of_savings;              ///< the value of what is avoided, cash and capacity, is taken from the cost
  /// GBP that a QALY may be worth, and the share of replicates in which it is then worth more than it costs
  std::vector<std::pair<double, double>> acceptability;
};
/// Of one programme; nothing where a QALY was not read.
[[nodiscard]] std::optional<CostEffectiveness> cost_effectiveness_of(const Run& run);

/// Where the mean verdict on value and cost turns as one price moves.
struct TurningPoint {
  Parameter id{};
  std::string prior;         ///< as in the results
  double low = 0, high = 0;  ///< 5 % and 95 % points of the replicates' own values
  double fixed_at = 0;       ///< value in every replicate, in the parameter's unit, where it is fixed
  bool is_fixed = false;     ///< no prior draws it
  double turns_at = 0;       ///< value of it at which the mean over replicates is 0, were it the same in all of them
};
/// Of one programme, in the lead strategy against the comparator at the first report date: of the price that its savings
/// are in proportion to, and of the QALYs of an event or a person, where each is the only one. What turns is
/// `threshold` QALYs' worth + savings - cost, undiscounted. @param threshold GBP per QALY; 0 = QALYs have no part
[[nodiscard]] std::vector<TurningPoint> turning_points(const Run& run, double threshold);

/// A one-way study beside a run, which is one of it when it is about the same place, strategies and date.
struct StudyBeside {
  nlohmann::ordered_json found;  ///< null when there is none of this run; only results of its rows may be null
  std::string of_another;        ///< what a study that lies there is about instead; empty when there is none
};
/// The study in `folder/sensitivity.json`; none when it is broken.
[[nodiscard]] StudyBeside one_way_study(const Run& run, const std::filesystem::path& folder);

/// Outcomes, savings and costs in the order of their table.
inline constexpr std::array kOutcomeRows{Metric::patients_benefited,
                                         Metric::patients_distinct_least,
                                         Metric::admissions_avoided,
                                         Metric::events_avoided,
                                         Metric::bed_days_avoided,
                                         Metric::diagnosis_days_sooner,
                                         Metric::qalys,
                                         Metric::savings_gross_gbp,
                                         Metric::savings_cash_gbp,
                                         Metric::capacity_released_gbp,
                                         Metric::social_value_gbp,
                                         Metric::cost_gbp,
                                         Metric::cost_public_gbp,
                                         Metric::net_present_value_gbp,
                                         Metric::roi_fiscal,
                                         Metric::roi_social,
                                         Metric::roi_net,
                                         Metric::acceleration_months,
                                         Metric::attributable_share,
                                         Metric::carbon_kg,
                                         Metric::home_years,
                                         Metric::sites,
                                         Metric::capacity_beds};

/// Measures of equity in the order of their table.
inline constexpr std::array kEquityRows{Metric::deprivation_gap,
                                        Metric::slope_index,
                                        Metric::relative_index,
                                        Metric::concentration_index,
                                        Metric::regional_cv,
                                        Metric::regional_gini,
                                        Metric::reach_deprivation_gap,
                                        Metric::reach_concentration_index,
                                        Metric::reach_regional_cv,
                                        Metric::benefit_deprivation_gap,
                                        Metric::benefit_concentration_index,
                                        Metric::benefit_regional_cv};

}  // namespace uptake
