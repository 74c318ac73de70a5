/// The immutable model: organisations, ties and, per strategy, a plan; and the integer rates that a draw makes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "uptake/population.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

/// Scale of cumulated hazards in the kernel: one unit of hazard = 2^40. Exposure and weights: 1 = 2^16. Peer rates: 2^24.
inline constexpr int kHazardBits = 40;
inline constexpr int kExposureBits = 16;
inline constexpr int kPeerRateBits = kHazardBits - kExposureBits;

/// A tie to a receiver: a change of stage at the source adds `weight` to the receiver's exposure in one layer.
struct Push {
  std::uint32_t receiver;  ///< record within the programme
  std::uint16_t weight;    ///< normalised within (receiver, layer): weights of a receiver sum to at most 2^16 - 1
  std::uint16_t layer;     ///< 0 = geography, 1 = pathway (edge layers, in the order of the kernel)
};

/// Who can adopt one programme, and who listens to whom. A *record* is one eligible organisation, 0..n_records.
struct ProgrammeModel {
  std::uint32_t identity = 0;        ///< programme_identity(name)
  std::uint32_t class_identity = 0;  ///< programme_identity(classification)
  std::vector<std::uint32_t> organisation;  ///< population index by record
  std::vector<std::uint64_t> organisation_identity;
  std::vector<std::uint8_t> region;
  std::vector<std::uint16_t> board;
  std::vector<std::uint8_t> type_slot;      ///< index into `types`
  std::vector<OrganisationType> types;      ///< eligible types
  std::vector<float> size_z, chain, teaching, deprivation;  ///< covariates of model.md 5.1
  std::vector<std::uint8_t> layer_mask;     ///< bit l set: has ties to eligible organisations in layer l
  std::vector<std::uint32_t> push_offsets;  ///< n_records + 1
  std::vector<Push> pushes;                 ///< by source record
  std::vector<std::int32_t> community, ownership;  ///< group by record, -1 = none or alone in it
  std::vector<std::uint32_t> community_size, ownership_size;  ///< eligible members by group
  std::vector<std::uint32_t> seeding_order;                   ///< records, first to be in use at the start
  [[nodiscard]] std::size_t n_records() const { return organisation.size(); }
};

/// Effort on an organisation from a boundary on, in units of the half-effect effort e50 at factor 1.
struct EffortStep {
  int from = 0;             ///< boundary
  float outreach = 0;       ///< e / e50 for engagement
  float facilitation = 0;   ///< e / e50 for decision, success and stopping
  friend bool operator==(const EffortStep&, const EffortStep&) = default;
};

/// What one strategy does about one programme, week by week. Fixed before any draw.
struct ProgrammePlan {
  std::vector<std::uint32_t> profile;            ///< effort profile by record
  std::vector<std::vector<EffortStep>> profiles; ///< first step at boundary 0, increasing
  std::vector<std::vector<std::uint32_t>> records_of_profile;
  /// By region and week: commissioned or not, mandate or not, shock factor; `region_class` maps a region to a row.
  std::vector<std::uint8_t> region_class;
  struct WeekFactors {
    std::vector<float> commissioned;  ///< 0 or 1 per week
    std::vector<float> mandate;       ///< 0 or 1 per week
    std::vector<float> covid;         ///< +1 aligned surge, -1 not aligned stall, 0 none
    std::vector<float> shock;         ///< factor of shock levers
  };
  std::vector<WeekFactors> classes;
  std::vector<std::uint32_t> in_use_at_start;    ///< records
  std::vector<double> delivered_staff_days;      ///< network staff-days by week, summed over regions
  std::vector<std::vector<double>> delivered_by_region;  ///< [region][week]
};

struct StrategyPlan {
  std::string name;
  std::vector<ProgrammePlan> programmes;
};

/// Immutable, shared by everything. Holds no drawn parameter.
struct Model {
  Scenario scenario;
  std::shared_ptr<const Population> population;
  std::vector<ProgrammeModel> programmes;
  std::vector<StrategyPlan> strategies;
  std::vector<std::uint32_t> first_record;  ///< of each programme in the world's arrays; n_programmes + 1
  /// Records of an organisation over all programmes (for attention): offsets by organisation.
  std::vector<std::uint32_t> organisation_offsets, organisation_records;
  [[nodiscard]] const Calendar& calendar() const { return scenario.calendar; }
  [[nodiscard]] int n_programmes() const { return static_cast<int>(programmes.size()); }
  [[nodiscard]] int n_strategies() const { return static_cast<int>(strategies.size()); }
  [[nodiscard]] std::size_t n_records() const { return first_record.back(); }
};

/// Puts scenario and population together. @throws InputError (a lever names an unknown region, nobody is eligible, two
/// identities collide, a plan exceeds the horizon)
[[nodiscard]] std::shared_ptr<const Model> make_model(Scenario scenario, std::shared_ptr<const Population> population);

/// The clocks of one replicate, drawn once at its door and shared by every strategy: same organisations, same luck.
class Clocks;
[[nodiscard]] std::shared_ptr<const Clocks> draw_clocks(const Model& model, const Draw& draw, Key key);

/// Integer tables per class of records and week, dated changes per organisation: a plan under one draw.
class Rates;
[[nodiscard]] std::shared_ptr<const Rates> compile(std::shared_ptr<const Model> model, int strategy, const Draw& draw);
/// The first week in which the two can make a difference to any organisation; n_weeks when they never do.
[[nodiscard]] int first_difference(const Rates& a, const Rates& b);

}  // namespace uptake
