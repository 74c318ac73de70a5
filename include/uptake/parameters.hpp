/// The one table of parameters. It drives parsing, validation, `--set`, draws, labels, HDF5 attributes and documentation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/random.hpp"

namespace uptake {

/// How a figure is known: read in the source named, arithmetic on read figures, assumed, or found from a record.
enum class Grade : std::uint8_t { read, derived, assumption, posterior };
/// Those that a file can state.
inline constexpr std::array<std::string_view, 3> kGradeNames{"read", "derived", "assumption"};
[[nodiscard]] constexpr std::string_view name_of(Grade grade) noexcept {
  return grade == Grade::posterior ? std::string_view("posterior") : kGradeNames[static_cast<std::size_t>(grade)];
}

enum class Family : std::uint8_t {
  fixed,          ///< a
  normal,         ///< mean a, sd b
  half_normal,    ///< |N(0, a)|
  lognormal,      ///< median a, sd of the log b
  beta,           ///< Beta(a, b)
  uniform,        ///< U(a, b)
  log_uniform,    ///< exp(U(ln a, ln b)): every order of magnitude is as likely
  gamma_share,    ///< Gamma(a, 1), normalised over its group: a Dirichlet share
  one_or_uniform  ///< 1 with probability 1/2, else U(a, b)
};

struct Prior {
  Family family = Family::fixed;
  double a = 0, b = 0;
  friend bool operator==(const Prior&, const Prior&) = default;
};
/// `LN(0.35, 0.5)`, `Beta(17, 3)`, ...: how a prior is shown and written in a file.
[[nodiscard]] std::string to_text(const Prior& prior);
[[nodiscard]] std::optional<Prior> parse_prior(std::string_view text);
/// Inverse distribution function at u in (0, 1), clipped to [lowest, highest]; monotone in u. The one uniform of a
/// parameter's stream makes its value, so draws stay paired when a prior changes.
[[nodiscard]] double quantile(const Prior& prior, double u, double lowest, double highest);

/// Where a parameter lives: one value per programme, or one for the run's economics.
enum class Home : std::uint8_t { programme, economy };

/// Index of the table's rows. Programme rows first.
enum class Parameter : std::uint8_t {
  // clang-format off
  // engagement and decision
  a0, a1, p, p_market, q,
  share_geography, share_community, share_ownership, share_pathway,
  kappa, theta, eta, half_effort_factor, psi, s_plus, s_minus,
  beta_size, beta_chain, beta_teaching, beta_deprivation, sd_region, sd_readiness, complexity,
  susceptible_share, attention_half_point, start_in_use, added_community,
  // implementing
  phi, tau, erlang_shape, refractory, success_by_readiness, success_by_complexity, success_by_effort,
  // in use
  mu1, mu2, rho, fidelity_start, retraining, turnover, reference_fidelity, stop_by_fidelity, stop_by_effort,
  withdrawal_factor,
  // outcome
  relative_risk, effect_variation, coverage, persons_per_organisation, arrivals, persons_a_year, baseline_events,
  baseline_risk, avoidable_cap, bed_days_per_event, days_sooner, background_trend,
  // uptake of a treatment, and capacity
  uptake_start, uptake_spread, uptake_ceiling, gap_closed,
  beds, occupancy, ward_stay, step_up_share, avoided_per_ward_admission,
  // value of an event and of a person reached
  value_per_event, value_per_person, social_value_per_event, qalys_per_event, qalys_per_person, journeys_per_person,
  // cost
  delivery_staff_days, staff_day_price, set_up_cost, running_cost, cost_per_person,
  // economy
  admission_price, deflator, bed_day_price, cashable_share, discount_money, discount_health, optimism_cost,
  optimism_benefit, qaly_value, carbon_per_admission, carbon_per_bed_day, carbon_per_journey,
  // growth ledger (economy)
  growth_companies, growth_investing_share, growth_investment_per_company, growth_investment_spread,
  growth_jobs_per_company, growth_job_dispersion, growth_response, growth_extrapolation,
  growth_deadweight, growth_leakage, growth_displacement, growth_substitution, growth_multiplier,
  growth_job_additionality, growth_value_per_job, growth_job_years, growth_value_of_investment, growth_network_cost,
  growth_fellows, growth_supported, growth_evaluated, growth_in_new_setting,
  // clang-format on
  count_
};
inline constexpr int kNParameters = static_cast<int>(Parameter::count_);
inline constexpr int kNProgrammeParameters = static_cast<int>(Parameter::admission_price);
/// Rows of the growth ledger, the last of the table: no part of a run without it.
[[nodiscard]] constexpr bool is_growth(Parameter id) noexcept { return id >= Parameter::growth_companies; }

/// One row. Values are in `unit`; ranges are closed.
struct ParameterSpec {
  Parameter id;
  std::string_view key;     ///< as in files and `--set`, e.g. "bass.q"
  std::string_view symbol;  ///< as in docs/odd.md
  std::string_view unit;    ///< "1/year", "year", "1", "probability", "share", "GBP", ...
  double lowest, highest;
  std::array<Prior, 3> prior;   ///< by AdopterClass: trust, practice, home
  std::array<double, 3> value;  ///< default, by AdopterClass
  Grade grade;
  Home home;
  std::string_view meaning;  ///< one sentence
  std::string_view source;   ///< key of scenarios/sources.bib with a place, or how it was derived
};

/// All rows, in the order of Parameter.
[[nodiscard]] std::span<const ParameterSpec> parameter_table();
[[nodiscard]] inline const ParameterSpec& spec(Parameter id) { return parameter_table()[static_cast<std::size_t>(id)]; }
/// The row of a key such as "bass.q".
[[nodiscard]] const ParameterSpec* find_parameter(std::string_view key);

/// How the values of a run's parameters come about.
enum class ParameterMode : std::uint8_t {
  prior,     ///< drawn
  defaults,  ///< fixed
  posterior  ///< drawn, calibrated programmes from their posterior
};
inline constexpr std::array<std::string_view, 3> kParameterModeNames{"prior", "defaults", "posterior"};
/// Whether every replicate has its own values.
[[nodiscard]] constexpr bool is_drawn(ParameterMode mode) noexcept { return mode != ParameterMode::defaults; }

/// Where a setting stands that no file states.
inline constexpr std::string_view kOfTheTable = "table";

/// A parameter as a scenario or programme file sets it (or the table's own row).
struct Setting {
  double value = 0;  ///< in the table's unit
  Prior prior;
  Grade grade = Grade::assumption;
  std::string source;
  std::string where;  ///< file:line:column, or kOfTheTable

  /// Whether a programme file, a scenario or --set states it.
  [[nodiscard]] bool is_stated() const { return where != kOfTheTable; }
  /// Whether it can be other than 0, which stands for "not known" where a parameter need not be.
  [[nodiscard]] bool is_known(ParameterMode mode) const {
    if (!is_drawn(mode)) return value != 0;
    return prior.family != Family::fixed || prior.a != 0;
  }
};

/// One parameter vector: immutable once drawn.
class Draw {
 public:
  Draw() = default;
  explicit Draw(std::vector<double> values, int n_programmes)
      : values_(std::move(values)), n_programmes_(n_programmes) {}
  /// Value of a programme parameter, in the table's unit.
  [[nodiscard]] double operator()(int programme, Parameter id) const {
    return values_[static_cast<std::size_t>(programme * kNProgrammeParameters + static_cast<int>(id))];
  }
  /// Value of an economy parameter, in the table's unit.
  [[nodiscard]] double operator()(Parameter id) const {
    return values_[static_cast<std::size_t>(n_programmes_ * kNProgrammeParameters + static_cast<int>(id) -
                                            kNProgrammeParameters)];
  }
  /// programme-major programme parameters, then economy parameters
  [[nodiscard]] std::span<const double> values() const { return values_; }

 private:
  std::vector<double> values_;
  int n_programmes_ = 0;
};

}  // namespace uptake
