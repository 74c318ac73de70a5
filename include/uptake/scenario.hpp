/// What is asked: programmes, strategies made of levers, dates, replicates. Read from TOML with every problem at once.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/calendar.hpp"
#include "uptake/parameters.hpp"
#include "uptake/past_forecasts.hpp"
#include "uptake/population.hpp"
#include "uptake/posterior.hpp"

namespace uptake {

/// A dated window, both days included.
struct Window {
  Date from;
  Date to;
};

/// How a programme stands to the COVID-19 emergency (docs/odd.md 7.1).
enum class CovidStance : std::uint8_t { none, aligned, not_aligned };

/// Response of the peer hazard to exposure (docs/odd.md 7.1): Bass is the Hill response with kappa = 1 and theta -> infinity;
/// `drawn` uses kappa and theta of the draw, where kappa = 1 means Bass.
enum class PeerResponse : std::uint8_t { bass, drawn };
enum class LayerRule : std::uint8_t { sum, maximum };

/// Stages that do not exist for a programme: the move across them is one transition (docs/odd.md 7.1).
struct SkippedStages {
  bool engaged = false;       ///< unaware organisations decide
  bool implementing = false;  ///< a decision is use, without failure
  friend bool operator==(SkippedStages, SkippedStages) = default;
};

/// What a stopped organisation does: restart with the constant hazard rho, or decide again with the whole decision hazard.
enum class Restart : std::uint8_t { constant, decides_again };

/// What a programme's use does (a row of the table of outcome kinds). `none` = adoption only, said so in the output.
enum class OutcomeKind : std::uint8_t {
  none,
  events,     ///< a relative risk on baseline events (admissions, readmissions, exacerbations, ...)
  uptake,     ///< more people treated: extra treated x absolute risk reduction
  stay,       ///< length of stay: a ratio on baseline bed days
  diagnosis,  ///< days sooner per person reached
  value,      ///< GBP and QALYs per person reached
  capacity,   ///< beds opened, and the admissions that they replace
  carbon      ///< follows from admissions, bed days and journeys of the other kinds; no programme chooses it
};
inline constexpr int kNOutcomeKinds = 8;

/// What a network reports its work under.
enum class ImpactDimension : std::uint8_t {
  patient_outcome,
  practice,
  commissioning,
  harm,
  awareness,
  efficiency,
  society,
  spread,
  company_growth
};
inline constexpr std::array<std::string_view, 9> kImpactDimensionNames{"patient experience or outcome",
                                                                       "practice changed",
                                                                       "commissioning changed",
                                                                       "harm or risk reduced",
                                                                       "awareness",
                                                                       "cost or efficiency",
                                                                       "economy, society or environment",
                                                                       "spread of innovation or research into practice",
                                                                       "company growth"};

/// One row of the table of outcome kinds.
struct OutcomeKindSpec {
  OutcomeKind id;
  std::string_view name;     ///< as in programme files
  std::string_view meaning;  ///< one sentence
  std::string_view formula;
  std::string_view source;
  std::span<const ImpactDimension> dimensions;  ///< that results of this kind speak to
};
/// All kinds, in the order of OutcomeKind.
[[nodiscard]] std::span<const OutcomeKindSpec> outcome_kinds();
[[nodiscard]] inline const OutcomeKindSpec& spec(OutcomeKind id) {
  return outcome_kinds()[static_cast<std::size_t>(id)];
}

/// What kind of thing spreads: a covariate of what past programmes say about a new one.
enum class InnovationKind : std::uint8_t { pathway, training, drug, device, digital };
inline constexpr std::array<std::string_view, 5> kInnovationKindNames{"pathway", "training", "drug", "device",
                                                                      "digital"};

/// Whether adopting was required or paid for nationally.
enum class NationalPush : std::uint8_t { none, mandate, incentive };
inline constexpr std::array<std::string_view, 3> kPushNames{"none", "mandate", "incentive"};

/// Where a programme without a calibration of its own begins when a posterior is used.
enum class StartsFrom : std::uint8_t {
  own_priors,
  past_programmes  ///< what the programmes of the posterior say about another one
};

/// How good the record of a programme is: A = a dated series that an adoption curve can be fitted to, B = two or three
/// points, C = one total, D = nothing usable.
enum class Evidence : std::uint8_t { a, b, c, d };
inline constexpr std::array<std::string_view, 4> kEvidenceNames{"A", "B", "C", "D"};

/// A published figure, shown beside the result it can be compared with. Never fitted to.
struct Published {
  std::string metric;        ///< name of a metric of the results
  std::string region;        ///< full name; empty = all of the population; "England" = that, beside another one
  std::optional<Date> from;  ///< flows: first day; absent = the start
  Date to{};                 ///< flows: last day; stocks: the date
  double value = 0;          ///< in the metric's unit
  std::string source;
  std::string note;   ///< what it counts, and why it differs from the model's measure
  std::string where;  ///< file:line:column
};

/// Regions that start on another day than the rest.
struct Tranche {
  std::vector<std::string> regions;  ///< codes; in a programme by itself as written
  Date from{};
};

/// Share of the delivered staff-days that one region has.
struct RegionShare {
  std::string region;
  double share = 0;
  std::string where;
};

/// Who pays (docs/odd.md 7.6).
enum class Funder : std::uint8_t { nhs_england, office_for_life_sciences, nhs_improvement, provider };
inline constexpr std::array<std::string_view, 4> kFunderNames{"nhs-england", "office-for-life-sciences",
                                                              "nhs-improvement", "provider"};

/// Whether organisations are so many times as many as others that years of closing and opening do not explain it [A].
[[nodiscard]] constexpr bool is_far(double times) noexcept {
  constexpr double kApart = 1.5;
  return times > kApart || times < 1 / kApart;
}

/// What the file of a shipped programme says of the organisations of England together.
struct OfEngland {
  double n_organisations = 0;
  std::vector<Parameter> totals;  ///< those that the scenario does not state itself
};

/// One innovation with its spread effort, effects and costs.
struct ProgrammeSpec {
  std::string name;  ///< kebab-case identity; its hash keys the random numbers
  std::string title;
  std::string classification;  ///< class of programmes that share v_i; the name itself when the file gives none
  std::vector<OrganisationType> eligible;
  std::string summary;  ///< what it is, in a sentence or two
  Evidence evidence = Evidence::d;
  InnovationKind innovation = InnovationKind::pathway;
  NationalPush push = NationalPush::none;
  StartsFrom starts_from = StartsFrom::own_priors;
  /// The innovation exists from this day on: before it nobody engages, decides or is in use, and what holds "at the
  /// start" holds on it. Absent = the start of the scenario.
  std::optional<Date> available_from;
  std::optional<Window> commissioned;  ///< on_j; absent = always on (verification)
  std::vector<Tranche> tranches;       ///< regions whose commissioning begins on another day
  /// From this day on the programme is withdrawn in every world: nobody decides or restarts, and the hazard of stopping
  /// is multiplied by `sustainment.withdrawal_factor`.
  std::optional<Date> withdrawn;
  /// Shares of the delivered staff-days by region; regions not named share the rest by eligible organisations.
  std::vector<RegionShare> delivered_by_region;
  CovidStance covid = CovidStance::none;
  std::optional<Window> covid_window;  ///< when S applies; the default is 2020-03-01 to 2021-06-30 [A]
  std::vector<Window> mandates;  ///< national mandate or incentive windows (Psi), kept in every world but no-programme
  PeerResponse response = PeerResponse::drawn;
  LayerRule rule = LayerRule::sum;
  SkippedStages skipped;
  Restart restart = Restart::constant;
  bool engaged_at_start = false;               ///< every organisation starts engaged (PReCePT)
  std::vector<std::string> sites_at_start;     ///< codes in use at the start, beside the share `initial.in_use`
  std::optional<double> historic_denominator;  ///< e.g. 15,140 homes: counts and costs are scaled to it
  /// Of a shipped programme over other organisations than England's, which count as they are: the model takes their part
  /// of these totals.
  std::optional<OfEngland> of_england;
  OutcomeKind outcome = OutcomeKind::none;
  /// What is avoided: kebab-case, e.g. "emergency-admission", "stroke". Names that end in "admission" count as
  /// admissions avoided. Owed by the kinds events, uptake and capacity.
  std::string event;
  /// Programmes with the same baseline act on the same events, which are then not avoided twice; their own when empty.
  std::string baseline;
  std::optional<Date> background_from;  ///< day at which the drifting background has its stated level
  std::string no_outcome_note;          ///< what is known and what is missing, when outcome is none
  std::vector<Published> published;
  bool effect_already_shrunk = true;  ///< then optimism bias on benefits is 0 (docs/odd.md 7.1)
  Funder delivery_funder = Funder::nhs_improvement;
  Funder adoption_funder = Funder::provider;
  std::array<Setting, kNProgrammeParameters> settings;  ///< by Parameter
  std::vector<std::string> notes;                       ///< shown beside the headline

  /// A programme that takes every parameter from the table, for eligible types of one adopter class.
  [[nodiscard]] static ProgrammeSpec with_table_defaults(std::string name, OrganisationType eligible);
  /// Fixes a parameter (value and prior), for programmes made in code.
  void fix(Parameter id, double value);
};

/// Order in which effort reaches organisations (fixed from the tables, never from the state).
enum class Targeting : std::uint8_t {
  even,
  by_size,
  largest_first,
  most_deprived_first,
  best_connected_first,
  lagging_regions_first,
  listed
};
inline constexpr std::array<std::string_view, 7> kTargetingNames{
    "even", "by-size", "largest-first", "most-deprived-first", "best-connected-first", "lagging-regions-first", "list"};

enum class LeverKind : std::uint8_t {
  facilitation,  ///< scales or replaces the delivered staff-days (engagement, decision, success and stopping)
  outreach,      ///< staff-days on top that act on engagement alone (a1)
  incentive,     ///< a mandate or incentive window (Psi = psi)
  shock,         ///< an emergency window with a factor on the decision hazard
  seeding,       ///< early sites in use at the start
  delay,         ///< later start of the commissioned window
  withdrawal,    ///< end of network effort and commissioning from a date
  tariff,       ///< a share of the adopters' costs paid for them: an incentive in proportion, Psi = 1 + (psi - 1) share
  communities,  ///< communities of practice: ties among those who join, on top of those there are
  capacity      ///< times the beds, or the people whom an organisation in use can reach
};
inline constexpr std::array<std::string_view, 10> kLeverNames{"facilitation", "outreach", "incentive",  "shock",
                                                              "seeding",      "delay",    "withdrawal", "tariff",
                                                              "communities",  "capacity"};

/// One dated policy action. Empty programmes or regions = all.
struct Lever {
  LeverKind kind = LeverKind::facilitation;
  std::vector<int> programmes;       ///< indices into Scenario::programmes
  std::vector<std::string> regions;  ///< codes; resolved against the population by the model
  std::optional<Window> window;
  double factor = 1;  ///< facilitation, outreach: times the delivered days; shock: times the hazard; capacity
  std::optional<double> staff_days_per_year;  ///< replaces the delivered days of the regions named (in all)
  /// Absent = as it is without the lever (evenly, unless another lever says how); seeding, communities: even.
  std::optional<Targeting> targeting;
  /// Sequence: days of one package and the weeks it lasts; absent = spread over all eligible organisations at once.
  std::optional<double> package_days;
  std::optional<double> package_weeks;
  std::vector<std::string> organisations;  ///< codes, for targeting "list"
  /// Seeding, communities: share of eligible organisations, in the order of `targeting`; tariff: of the costs.
  double share = 0;
  double delay_weeks = 0;
  std::string where;  ///< file:line:column
};

/// What of the programmes exists in a strategy's world (docs/odd.md 4).
enum class Delivery : std::uint8_t {
  as_delivered,  ///< commissioned and supported by the network: world 1
  no_network,    ///< commissioned, no network outreach or facilitation: world 0a, the headline comparator
  no_programme   ///< neither: world 0b
};
inline constexpr std::array<std::string_view, 3> kDeliveryNames{"as-delivered", "no-network", "no-programme"};

/// What drives adoption in a world and can be taken out of it, to see what it contributes.
enum class Driver : std::uint8_t {
  effort,     ///< the network's staff-days
  incentive,  ///< mandates, incentives and tariffs
  shock       ///< the emergency and shock levers
};
inline constexpr std::array<std::string_view, 3> kDriverNames{"effort", "incentive", "shock"};

/// Whether programmes compete for an organisation's attention in a strategy's world.
enum class Attention : std::uint8_t { as_scenario, off };

/// Whether the worlds without each set of drivers are simulated too, so that a result can be split over the drivers.
enum class Shapley : std::uint8_t { off, drivers };

struct Strategy {
  std::string name;
  Delivery delivery = Delivery::as_delivered;
  std::vector<Driver> without = {};  ///< drivers that this world does not have
  Attention attention = Attention::as_scenario;
  std::vector<Lever> levers = {};
};

/// The question, whole and validated.
struct Scenario {
  std::string name;  ///< file name without extension
  std::string title;
  std::filesystem::path file;
  std::string text;                    ///< verbatim, for provenance
  std::vector<std::string> overrides;  ///< `--set` texts in order, options of their own among them
  std::string population = "england";  ///< "england", a folder of tables (absolute) or "synthetic"
  PopulationOptions population_options;
  std::vector<ProgrammeSpec> programmes;
  Calendar calendar;
  int replicates = 200;
  std::uint64_t seed = 20180401;
  ParameterMode mode = ParameterMode::prior;
  /// Where `parameters` or `--posterior` says that draws come from; absolute. Empty = no posterior.
  std::filesystem::path posterior_file;
  std::shared_ptr<const Posterior> posterior;  ///< what was read from it (use_posterior)
  /// What earlier forecasts came to, shown beside the result; null where the shipped folder has no such table.
  std::shared_ptr<const PastForecasts> past_forecasts;
  double outside_weight = 0;  ///< of them in the quantile average shown beside the model's own intervals; 0 = none
  bool attention = true;      ///< K_i
  Shapley shapley = Shapley::off;
  std::vector<Lever> levers;  ///< of every strategy's world, comparators included
  std::string focus;          ///< region that the headline is about; empty = England
  /// How often the course of stocks is kept, months: 1, 3 or 12.
  int path_months = 1;
  bool by_board = true;              ///< whether results are kept by board too
  std::vector<Published> published;  ///< figures that all programmes together are compared with
  /// At least "no-network"; the comparators `no-network` and `no-programme` are appended when not named.
  std::vector<Strategy> strategies;
  std::array<Setting, kNParameters - kNProgrammeParameters> economy;
  /// Index in strategies of what net is against: `no-network`, or `no-programme` where the lead is a world without it.
  int comparator = 0;
  bool growth = false;  ///< whether the growth ledger is kept beside the health ledger
  std::vector<std::string> notes;

  /// Digest (16 hex digits) of everything that decides a replicate: resolved settings, tables named, seed, version.
  std::string digest;
};

/// An option of its own as it would be stated by `--set`: `--seed=1` as `seed=1`, `--replicates=2` as `replicates=2`,
/// `--outside-view=0.3` as `outside_view=0.3`, `--posterior=FILE` as `parameters=FILE` with the path from the root
/// (`posterior` is the shipped one, unless there is a file of that name here). Other texts stay as they are.
[[nodiscard]] std::string plain_override(const std::string& text);

/// Where a path that a setting names is to lead instead.
using MovedPath = std::function<std::filesystem::path(const std::filesystem::path&)>;
/// An override whose paths (of a population, a posterior, programmes, observations) are moved, as plain_override states
/// it; one without any stays as it is. Loading takes relative paths from the file's folder, as if they stood in it; a
/// person means the folder that they are in.
[[nodiscard]] std::string with_paths(const std::string& text, const MovedPath& moved);

/// Reads, overrides and validates a scenario with the programmes and tables that it names.
/// @param overrides `key=value` texts of `--set` or options of their own (plain_override), applied in order. Problems are
/// placed at the option that was given; a file of `--posterior` that is not there is no problem of the scenario but a
/// FileError
/// @param data_folder folder that holds `england/` and `programmes/` (the shipped scenarios/)
/// @throws FileError when the file cannot be read; InputError with every problem at once
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& file, std::span<const std::string> overrides,
                                     const std::filesystem::path& data_folder);

/// The drivers in a set, a bit each in the order of Driver.
using DriverSet = unsigned;
inline constexpr DriverSet kAllDrivers = (1U << kDriverNames.size()) - 1;
/// `without-effort-shock`: how the world that lacks these drivers is called. @pre `lacking` is not empty
[[nodiscard]] std::string name_without(DriverSet lacking);
/// The strategies whose worlds split a result over the drivers: by the set of drivers that a world *has*, so that the
/// first lacks all and the last, `lead`, none. Empty when any of them is missing.
[[nodiscard]] std::vector<int> worlds_of_drivers(std::span<const std::string> strategies, int lead);
/// The strategy that a scenario is about: the first that is delivered, or else the first that is none of the comparators;
/// the first where it has comparators alone.
[[nodiscard]] int lead_strategy(const Scenario& scenario);

/// Reads one programme file by itself. @throws FileError when it cannot be read; InputError with every problem at once
[[nodiscard]] ProgrammeSpec load_programme(const std::filesystem::path& file);

/// Whether a row of the parameter table has any part in a run: those of the growth ledger only when it is kept.
[[nodiscard]] inline bool is_used(const Scenario& scenario, const ParameterSpec& row) {
  return scenario.growth || !is_growth(row.id);
}

/// Economy settings of the table.
[[nodiscard]] std::array<Setting, kNParameters - kNProgrammeParameters> default_economy();

/// The population that a scenario names.
[[nodiscard]] Population build_population(const Scenario& scenario, const std::filesystem::path& data_folder);

/// The parameter vector of one replicate: drawn (one uniform per programme and parameter, identity
/// `parameter:<key>`), or the default values. Layer shares are normalised.
[[nodiscard]] Draw draw_parameters(const Scenario& scenario, Key key);

}  // namespace uptake
