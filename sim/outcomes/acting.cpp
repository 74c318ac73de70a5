#include <algorithm>

#include "uptake/outcomes.hpp"

namespace uptake {

namespace {

/// What the plans of all strategies ask of one programme while it lives.
struct Asked {
  bool commissions = false, leaves = false;  ///< weeks in which it is commissioned, and in which it is not
  bool mandates = false, surges = false, stalls = false, meets = false;
  bool outreach = false, facilitation = false;  ///< effort that moves organisations
  bool delivers = false;                        ///< staff-days that are paid for
};

Asked asked_of(const Model& model, std::size_t j) {
  const ProgrammeModel& programme = model.programmes[j];
  const int n_weeks = model.calendar().n_weeks, end = std::min(programme.withdrawn, n_weeks);
  const auto in_life = [&](const std::vector<float>& weeks, auto&& is_so) {
    return programme.begins < end && std::any_of(weeks.begin() + programme.begins, weeks.begin() + end, is_so);
  };
  const auto above_0 = [](auto x) { return x > 0; };
  const auto below_0 = [](float x) { return x < 0; };
  const auto below_1 = [](float x) { return x < 1; };
  Asked asked;
  for (const StrategyPlan& strategy : model.strategies) {
    const ProgrammePlan& plan = strategy.programmes[j];
    for (const ProgrammePlan::WeekFactors& weeks : plan.classes) {
      asked.commissions |= in_life(weeks.commissioned, above_0);
      asked.leaves |= in_life(weeks.commissioned, below_1);
      asked.mandates |= in_life(weeks.mandate, above_0);
      asked.surges |= in_life(weeks.covid, above_0);
      asked.stalls |= in_life(weeks.covid, below_0);
      asked.meets |= !plan.joins.empty() && in_life(weeks.community, above_0);
    }
    for (const std::vector<EffortStep>& steps : plan.profiles)
      for (const EffortStep& step : steps) {
        if (step.from >= n_weeks) continue;
        asked.outreach |= step.outreach > 0;
        asked.facilitation |= step.facilitation > 0;
      }
    for (const std::vector<double>& days : plan.delivered_by_region)
      asked.delivers |= std::ranges::any_of(days, above_0);
  }
  return asked;
}

/// The values that one programme, and what it takes of the economy, can have.
class Values {
 public:
  Values(const Scenario& scenario, const ProgrammeSpec& programme) : scenario_(scenario), programme_(programme) {}
  /// Whether every replicate has this value.
  [[nodiscard]] bool is_always(Parameter id, double value) const {
    if (posterior_column(scenario_, programme_.name, id)) return false;
    const Setting& setting = of(id);
    if (!is_drawn(scenario_.mode)) return setting.value == value;
    return setting.prior.family == Family::fixed && setting.prior.a == value;
  }
  /// Of those whose 0 stands for "not known".
  [[nodiscard]] bool is_known(Parameter id) const { return of(id).is_known(scenario_.mode); }

 private:
  [[nodiscard]] const Setting& of(Parameter id) const {
    const auto i = static_cast<std::size_t>(id);
    return i < kNProgrammeParameters ? programme_.settings[i] : scenario_.economy[i - kNProgrammeParameters];
  }
  const Scenario& scenario_;
  const ProgrammeSpec& programme_;
};

/// Collects parameters under the condition that they act.
class Collected {
 public:
  void when(bool acts, std::initializer_list<Parameter> ids) {
    if (!acts) return;
    for (const Parameter id : ids) set_.set(static_cast<std::size_t>(id));
  }
  [[nodiscard]] const ParameterSet& set() const { return set_; }

 private:
  ParameterSet set_;
};

/// Whether organisations of some class listen in this layer and in another one too: ties in one layer have all weight.
bool shares_weight(const ProgrammeModel& programme, Layer layer) {
  return std::ranges::any_of(programme.classes, [&](const RecordClass& one) {
    const unsigned own = 1U << static_cast<unsigned>(layer);
    return (one.layer_mask & own) != 0 && (one.layer_mask & ~own) != 0;
  });
}

bool is_all_0(const Column<float>& covariate, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (covariate[i] != 0) return false;
  return true;
}

void collect_of_spread(const Model& model, std::size_t j, const Asked& asked, const Values& values, Collected& acting) {
  using enum Parameter;
  const ProgrammeSpec& spec = model.scenario.programmes[j];
  const ProgrammeModel& programme = model.programmes[j];
  const bool engages = !spec.skipped.engaged && !spec.engaged_at_start, implements = !spec.skipped.implementing;
  acting.when(true, {susceptible_share, start_in_use, sd_region, sd_readiness, complexity});
  acting.when(engages, {a0});
  acting.when(engages && asked.outreach, {a1});
  acting.when(asked.commissions, {p});
  acting.when(asked.leaves, {p_market});
  acting.when(asked.facilitation, {eta});
  acting.when(asked.facilitation || (engages && asked.outreach), {half_effort_factor});
  acting.when(asked.mandates, {psi});
  acting.when(asked.surges, {s_plus});
  acting.when(asked.stalls, {s_minus});
  const std::size_t n = programme.n_records();
  acting.when(!is_all_0(programme.size_z, n), {beta_size});
  acting.when(!is_all_0(programme.chain, n), {beta_chain});
  acting.when(!is_all_0(programme.teaching, n), {beta_teaching});
  acting.when(!is_all_0(programme.deprivation, n), {beta_deprivation});

  const bool has_ties =
      std::ranges::any_of(programme.classes, [](const RecordClass& one) { return one.layer_mask != 0; });
  acting.when(has_ties || asked.meets, {q});
  if (!values.is_always(q, 0)) {
    acting.when(asked.meets, {added_community});
    if (spec.rule == LayerRule::sum)
      for (const auto& [layer, share] :
           {std::pair{Layer::geography, share_geography}, std::pair{Layer::community, share_community},
            std::pair{Layer::ownership, share_ownership}, std::pair{Layer::pathway, share_pathway}})
        acting.when(shares_weight(programme, layer), {share});
    const bool responds = spec.response == PeerResponse::drawn && (has_ties || asked.meets);
    acting.when(responds, {kappa});
    acting.when(responds && !values.is_always(kappa, 1), {theta});  // 1 stands for the response of Bass
  }
  const auto competes = [](const Strategy& one) { return one.attention == Attention::as_scenario; };
  acting.when(
      model.scenario.attention && model.n_programmes() > 1 && std::ranges::any_of(model.scenario.strategies, competes),
      {attention_half_point});

  acting.when(implements, {phi, tau, erlang_shape});
  acting.when(implements && !values.is_always(sd_readiness, 0), {success_by_readiness});
  acting.when(implements && !values.is_always(complexity, 0), {success_by_complexity});
  acting.when(implements && asked.facilitation, {success_by_effort});
  acting.when(implements, {refractory});  // whoever fails rests before deciding again

  const bool stops = !values.is_always(mu1, 0) || !values.is_always(mu2, 0);
  const Calendar& calendar = model.calendar();
  acting.when(true, {mu1});
  acting.when((calendar.n_weeks - programme.begins) * calendar.step_years >= 1, {mu2});  // from the second year on
  acting.when(stops && spec.restart == Restart::constant, {rho});
  acting.when(stops, {stop_by_fidelity});
  acting.when(stops && asked.facilitation, {stop_by_effort});
  acting.when(stops && programme.withdrawn < calendar.n_weeks, {withdrawal_factor});
  acting.when(stops && !values.is_always(stop_by_fidelity, 0), {fidelity_start, retraining, turnover});
}

void collect_of_outcomes(const ProgrammeSpec& spec, Known known, const Values& values, Collected& acting) {
  using enum Parameter;
  const auto knows = [known](Needs needs) { return (known & bit(needs)) != 0; };
  const auto has = [&](Parameter id) { return values.is_known(id); };
  const bool is_capacity = spec.outcome == OutcomeKind::capacity, is_uptake = spec.outcome == OutcomeKind::uptake;
  const bool people = knows(Needs::people), events = knows(Needs::events), admissions = knows(Needs::admissions);
  const bool is_stay = spec.outcome == OutcomeKind::stay, stay = is_stay && knows(Needs::bed_days);
  const bool on_baseline = stay || (spec.outcome == OutcomeKind::events && events);

  acting.when(people || on_baseline || is_uptake, {fidelity_start, retraining, turnover, reference_fidelity});
  acting.when(on_baseline || (is_uptake && events), {relative_risk});
  acting.when(on_baseline, {effect_variation, avoidable_cap});
  acting.when(on_baseline || (people && !is_capacity && !is_uptake), {coverage});
  acting.when(on_baseline || is_uptake, {background_trend});
  if (!is_capacity) {
    const bool by_year = has(persons_a_year);
    acting.when(people && by_year, {persons_a_year});
    acting.when(people && !by_year, {persons_per_organisation, arrivals});
  }
  acting.when(on_baseline && has(baseline_events), {baseline_events});
  acting.when(events && has(baseline_risk) && (is_uptake || (!is_capacity && !has(baseline_events))), {baseline_risk});
  acting.when(is_uptake, {uptake_start, uptake_spread, uptake_ceiling, gap_closed});
  acting.when(knows(Needs::beds), {beds, occupancy, ward_stay});
  acting.when(is_capacity && events, {step_up_share, avoided_per_ward_admission});
  acting.when(admissions && has(bed_days_per_event), {bed_days_per_event});
  acting.when(knows(Needs::diagnosis), {days_sooner});
  acting.when(events && has(value_per_event), {value_per_event});
  acting.when(events && has(social_value_per_event), {social_value_per_event});
  acting.when(events && has(qalys_per_event), {qalys_per_event});
  acting.when(people && has(value_per_person), {value_per_person});
  acting.when(people && has(qalys_per_person), {qalys_per_person});

  acting.when(admissions && !has(value_per_event), {admission_price, deflator});
  acting.when(stay, {bed_day_price});
  acting.when(knows(Needs::value), {cashable_share});
  acting.when(!spec.effect_already_shrunk && (knows(Needs::value) || knows(Needs::social)), {optimism_benefit});
  acting.when(knows(Needs::qalys), {qaly_value, discount_health});
  acting.when(knows(Needs::value) || knows(Needs::cost), {discount_money});
  acting.when(admissions && has(carbon_per_admission), {carbon_per_admission});
  acting.when(knows(Needs::bed_days) && has(carbon_per_bed_day), {carbon_per_bed_day});
  acting.when(people && has(journeys_per_person) && has(carbon_per_journey), {journeys_per_person, carbon_per_journey});
}

}  // namespace

ParameterSet acting_parameters(const Model& model, int programme) {
  using enum Parameter;
  const auto j = static_cast<std::size_t>(programme);
  const ProgrammeSpec& spec = model.scenario.programmes[j];
  const Known known = known_of(model.scenario, spec);
  const Asked asked = asked_of(model, j);
  const Values values(model.scenario, spec);
  Collected acting;
  collect_of_spread(model, j, asked, values, acting);
  collect_of_outcomes(spec, known, values, acting);
  const bool costs = (known & bit(Needs::cost)) != 0;
  acting.when(asked.delivers || asked.facilitation || asked.outreach, {delivery_staff_days});
  acting.when(costs && asked.delivers, {staff_day_price});
  acting.when(costs, {set_up_cost, running_cost, optimism_cost});
  acting.when(costs && (known & bit(Needs::people)) != 0, {cost_per_person});
  if (model.scenario.growth)
    for (const ParameterSpec& row : parameter_table())
      acting.when(is_growth(row.id) && (row.id != growth_response || !values.is_always(growth_extrapolation, 0)),
                  {row.id});
  return acting.set();
}

}  // namespace uptake
