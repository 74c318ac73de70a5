/// The record: what was published of past programmes, and how it is to be read. A table of observations and a TOML file
/// that says which of them a model is fitted to.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/calendar.hpp"
#include "uptake/error.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

/// One row of the table of observations, as it stands there.
struct Observation {
  std::string programme;  ///< as in the table
  std::string region, measure, unit, organisation_type, quality, source, note;
  std::string date;             ///< as written: 2021, 2021-03 or 2021-03-31
  Date first{}, last{};         ///< the days that it names
  std::optional<double> value;  ///< none for qualitative rows
  std::string where;            ///< file:line
};

/// Reads a table of observations: programme, date, region, measure, value, unit, org_type, quality, source, note.
/// @throws FileError; InputError with every bad row
[[nodiscard]] std::vector<Observation> read_observations(const std::filesystem::path& file);

/// How often the intervals of one kind of forecast held in back-tests of the record.
struct PastCoverage {
  std::string kind;                       ///< `own-record`, `left-out`
  int n_forecasts = 0, n_programmes = 0;  ///< that were forecast
  double held_50 = 0, held_90 = 0;        ///< share of them inside the 50 and 90 % intervals
};
/// Reads a table of them: kind, forecasts, programmes, held_50, held_90.
/// @throws FileError; InputError with every bad row
[[nodiscard]] std::vector<PastCoverage> read_past_coverage(const std::filesystem::path& file);

enum class Use : std::uint8_t {
  fit,   ///< enters the likelihood
  check  ///< compared with afterwards, never fitted to
};
inline constexpr std::array<std::string_view, 2> kUseNames{"fit", "check"};

/// How a published number stands to the one that was counted.
enum class Rounding : std::uint8_t {
  exact,    ///< as counted
  nearest,  ///< to the nearest multiple of `step`
  at_least  ///< "over 2,800": at least this, less than a step more
};
inline constexpr std::array<std::string_view, 3> kRoundingNames{"exact", "nearest", "at-least"};

/// One observation as a model meets it.
struct ObservedPoint {
  Date from{},
      to{};  ///< days on which it may have been counted, equally likely; points of a programme with the same days
             ///< have the same date
  /// In the series' unit: counts of those without are turned, and other denominators put on that of the series.
  double value = 0;
  Rounding rounding = Rounding::exact;
  double step = 0;  ///< of the rounding, in the series' unit
  /// Counted by whom and how; may be empty. All but that of the series' first point are off by a shift of their own.
  std::string data_set;
  double counting_factor = 1;  ///< times the error of counting: rows of ambiguous quality are looser
  Use use = Use::fit;
  std::string date;  ///< as in the table
  std::string source, note, where;
};

/// Observations of one thing, ascending in time (by the middle of their days).
struct ObservedSeries {
  std::string measure;                     ///< as in the table, of the series itself
  std::string region;                      ///< as in the table; other regions' rows may have joined as other data sets
  std::string unit;                        ///< as in the table
  std::string model_region;                ///< code of the model's region; empty = England
  Measure counts = Measure::ever_adopted;  ///< what of the model it is compared with
  /// Value that stands for a share of 1: organisations that could adopt then, 100 for per cent, all beds.
  double denominator = 1;
  std::vector<ObservedPoint> points;
  /// Cumulated counts never fall, and are summarised by their increments; stocks and shares by their levels.
  [[nodiscard]] bool is_cumulative() const {
    return counts == Measure::engaged || counts == Measure::implementing_ever || counts == Measure::ever_adopted;
  }
};

/// How reports differ from the model, on the logit of shares: the model's own error, which persists (an Ornstein-Uhlenbeck
/// process of each series, Kennedy & O'Hagan 2001 with a Markov covariance), the error of each count, and what another data
/// set counts differently.
struct ReportingModel {
  double discrepancy = 0;  ///< sd of the model's own error
  double persistence = 2;  ///< years in which its correlation falls to 1/e
  double counting = 0;     ///< sd of the error of a count, independent of all others
  double level_shift = 0;  ///< sd of the shift of another data set
  std::string discrepancy_source, persistence_source, counting_source, level_shift_source;
};

/// One programme with what is known of its past.
struct HistoricProgramme {
  std::string record;  ///< as in the table
  ProgrammeSpec spec;  ///< with the priors of the record, which know no later date
  Date start{};        ///< first day simulated
  ReportingModel reporting;
  std::vector<Parameter> calibrated;  ///< what is found; the rest is drawn from its prior in every simulation
  std::vector<ObservedSeries> series;
};

/// The whole of it, validated.
struct HistoricRecord {
  std::string name;  ///< file name without extension
  std::string title;
  std::filesystem::path file, table;
  std::string text;  ///< of the TOML file
  std::uint64_t seed = 0;
  std::string population = "england";
  PopulationOptions population_options;
  std::vector<HistoricProgramme> programmes;
  /// Rows that no series takes, each with why (another programme, no number, not a measure of adoption, ...).
  std::vector<std::pair<Observation, std::string>> unused;
  /// Of these the rows whose programme, region or measure is unknown and nearly one that is known: mistyped, it seems.
  std::vector<Problem> doubtful;
  std::string digest;  ///< of everything that decides a calibration, tables and version included
};

/// Reads, overrides and validates a record with the table and the programmes that it names.
/// @param overrides `key=value` texts of `--set` or options of their own (plain_override), applied in order
/// @param data_folder folder that holds `england/` and `programmes/` (the shipped scenarios/)
/// @throws FileError when a file cannot be read; InputError with every problem of both files at once
[[nodiscard]] HistoricRecord load_record(const std::filesystem::path& file, std::span<const std::string> overrides,
                                         const std::filesystem::path& data_folder);

/// Whether a file is a record rather than a scenario: TOML that names `observations`. False when it cannot be read.
[[nodiscard]] bool is_record(const std::filesystem::path& file);

// ---- what kind of programme it is: covariates of the hierarchy over programmes -----------------------------------

/// Names and values of the covariates of a programme: adopter class (practice, home; trust is the base), mandate,
/// incentive, evidence (A or B against C or D), kind of innovation (drug, device, digital; pathway or training is the
/// base). 0 or 1.
[[nodiscard]] std::span<const std::string_view> covariate_names();
[[nodiscard]] std::vector<double> covariates_of(const ProgrammeSpec& spec);

/// Parameters that are pooled over programmes, in this order: p, q, susceptible share, phi, tau, mu1, mu2.
[[nodiscard]] std::span<const Parameter> pooled_parameters();

}  // namespace uptake
