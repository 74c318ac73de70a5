/// What time in use does: from stretches of use to people reached and events avoided, by place and span of time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "outcomes/outcome_sheet.hpp"
#include "outcomes/outcome_tables.hpp"
#include "uptake/outcomes.hpp"
#include "world/fidelity.hpp"

namespace uptake {

/// One stretch of use without break.
struct Spell {
  std::uint32_t record = 0;
  std::int16_t from = 0, to = 0;  ///< boundaries; open spells end at the horizon
  std::int16_t away = -1;         ///< weeks since it was last in use; -1 = never before
  bool is_open = false;           ///< still in use at the horizon
};

/// Integral over the time in use of something that grows with its age, in years.
class IntegralByAge {
 public:
  /// @param unlimited integrals of the ratio without limit, from go-live to the end of day 0, 1, ... of use
  void tabulate(const FidelityRatio& ratio, std::span<const double> unlimited, const OutcomeTables& tables);
  /// From go-live to the end of day `days` of use.
  [[nodiscard]] double after(int days) const { return by_day_[static_cast<std::size_t>(days)]; }
  /// What falls into each cell when go-live is at this boundary and use goes on; valid until the next call.
  [[nodiscard]] const double* row(const OutcomeTables& tables, int go_live) {
    const std::int32_t at = row_start_[static_cast<std::size_t>(go_live)];
    return at < 0 ? made_row(tables, go_live) : by_cell_.data() + at;
  }

 private:
  const double* made_row(const OutcomeTables& tables, int go_live);

  std::vector<double> by_day_;           // from go-live to the end of a day of use
  std::vector<double> by_cell_;          // rows, made when first met
  std::vector<std::int32_t> row_start_;  // by go-live boundary; -1 = not made
};

/// Uptake of a treatment without the programme under a draw: organisations stand at one of so many equally likely levels
/// of a logit-normal distribution, and all drift alike on the logit.
class UptakeLevels {
 public:
  static constexpr std::size_t kN = 256;
  UptakeLevels() = default;
  UptakeLevels(const Draw& draw, int programme, int background_day);
  /// The level at which the organisation with that uniform stands.
  [[nodiscard]] static std::uint8_t level_of(double uniform) { return static_cast<std::uint8_t>(uniform * kN); }
  /// Share treated at a moment, days since the start.
  [[nodiscard]] double at(std::size_t level, double day) const;
  /// Its integral between two days, years.
  [[nodiscard]] double integral(std::size_t level, double from, double to) const;
  /// What full use adds to a share treated.
  [[nodiscard]] double gap(double share) const;

 private:
  std::array<double, kN> deviations_{};
  double logit_ = 0, trend_ = 0, ceiling_ = 0, gap_closed_ = 0;
  int background_day_ = 0;
};

/// How much of what an organisation could reach it does reach, by its age in use.
[[nodiscard]] FidelityRatio reach_of(const Draw& draw, int programme);

/// Beds that an organisation of mean size opens.
[[nodiscard]] double beds_per_size(const Draw& draw, int programme, double n_eligible);

/// How much of the gap an organisation closes where capacity is `factor` times as large: at most all of it.
[[nodiscard]] double closed_with(double factor, double gap_closed);

/// Background uptake by cell: the same in all worlds.
struct Background {
  static constexpr std::size_t kNLevels = UptakeLevels::kN;
  std::vector<std::uint8_t> level_of;  ///< by record of the programme
  std::vector<double> gap;             ///< [level][cell]: mean share of people that full use adds
  std::vector<double> uptake;          ///< [level][cell]: integral of uptake, years
  std::vector<double> drift;           ///< [level][cell]: integral of uptake less that at the start, years
  std::vector<double> rise;            ///< [level][cell]: uptake at the end of the cell less that at its beginning
  std::vector<std::uint8_t> made;      ///< by level
  // [group][cell], each organisation weighted by its relative size
  std::vector<double> group_uptake, group_drift, group_rise;
};

/// What a draw makes of one programme's use.
struct Effect {
  OutcomeKind kind = OutcomeKind::none;
  bool counts_by_year = false;    ///< people are those newly eligible in a year, not those there
  bool baseline_by_year = false;  ///< baseline events are theirs
  double coverage = 0, cap = 0;
  double events_per_size = 0;                    ///< baseline events a year of an organisation of mean size, scaled
  double people_per_size = 0;                    ///< people in (or a year at) an organisation of mean size, scaled
  double arrivals = 0;                           ///< new people per place and year
  double at_go_live = 0;                         ///< share of the people there who are reached at go-live
  double highest_ratio = 0;                      ///< of fidelity to the one at which the effect was measured
  double events_per_person = 0;                  ///< uptake, capacity: events avoided by one person treated or admitted
  double beds_per_size = 0, people_per_bed = 0;  ///< the second a year
  double gap_closed = 0;
  FidelityRatio effect{0, 0, 0, 1, 0}, reach{0, 0, 0, 1, 0};
  IntegralByAge effect_integral, reach_integral;
  std::vector<double> trend;  ///< by cell: factor on the baseline; empty = 1 throughout
  Background background;      ///< of uptake
};

/// Memory of a replicate's effects, kept by its thread so that nothing is allocated on the hot path.
struct EffectWorkspace {
  std::vector<Effect> effects;  ///< by programme
  std::vector<double> avoided;  ///< 1 - RR_i by record, where it was ever in use
  std::vector<std::uint8_t> wanted;
  std::vector<std::uint32_t> records;
  std::vector<std::uint64_t> identities;
  std::vector<double> uniforms;
  std::vector<double> unlimited;  ///< integral of fidelity over its reference, by day of use
  std::vector<Spell> shared, by_organisation;
  std::vector<std::uint32_t> first_of;  ///< by shared baseline: first spell in by_organisation
};

/// Effects of all programmes under a draw, and 1 - RR_i of every organisation that any world has in use.
void make_effects(const Model& model, const OutcomeTables& tables, const Draw& draw, Key key,
                  std::span<const std::vector<Spell>> spells_of_worlds, EffectWorkspace& work);

/// Adds what the spells of one world come to to the tallies by group and cell.
void add_effects(const OutcomeTables& tables, const std::vector<Spell>& spells, EffectWorkspace& work,
                 std::span<Tally> tallies);

/// From the raw sums of a tally to people and events by region and by fifth; beds and uptake where there are any.
/// @param plan index of strategy and programme in the tables
void finish(const OutcomeTables& tables, const Effect& effect, int programme, std::size_t plan, Tally& tally);

}  // namespace uptake
