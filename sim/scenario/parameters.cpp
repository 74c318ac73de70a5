#include "uptake/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "reading/quantity.hpp"
#include "uptake/error.hpp"

namespace uptake {

// ---- The table ----------------------------------------------------------------------------------------------------

namespace {
constexpr Prior fixed(double a) { return {Family::fixed, a, 0}; }
constexpr Prior normal_prior(double mean, double sd) { return {Family::normal, mean, sd}; }
constexpr Prior half_normal(double sd) { return {Family::half_normal, sd, 0}; }
constexpr Prior lognormal(double median, double sd) { return {Family::lognormal, median, sd}; }
constexpr Prior beta(double a, double b) { return {Family::beta, a, b}; }
constexpr Prior between(double a, double b) { return {Family::uniform, a, b}; }
constexpr Prior share(double a) { return {Family::gamma_share, a, 0}; }

/// The same for trusts, practices and homes.
template <typename T>
constexpr std::array<T, 3> all(T x) {
  return {x, x, x};
}

// Columns of one letter. NOLINTBEGIN(readability-identifier-naming)
constexpr Grade R = Grade::read, D = Grade::derived, A = Grade::assumption;
constexpr Home P = Home::programme, E = Home::economy;
// NOLINTEND(readability-identifier-naming)
using enum Parameter;

// Figures, priors and grades: each row names its source, a key of scenarios/sources.bib, or how it was derived.
// Ranges bound what a file may say, wide enough for every prior and for the verification cases [A].
// clang-format off
constexpr std::array<ParameterSpec, kNParameters> kTable{{
    // engagement and decision
    {a0, "engagement.a0", "a0", "1/year", 0, 20,
     {lognormal(0.5, 0.6), lognormal(0.8, 0.6), lognormal(0.25, 0.6)}, {0.5, 0.8, 0.25}, A, P,
     "Hazard of engaging without any outreach by the network",
     "Set with the answer in view: chosen so that the net share at four years lies near 0.3 to 0.5"},
    {a1, "engagement.a1", "a1", "1/year", 0, 20,
     {lognormal(1.5, 0.3), lognormal(1.2, 0.3), lognormal(0.4, 0.3)}, {1.5, 1.2, 0.4}, A, P,
     "Additional hazard of engaging under full outreach",
     "Homes derived from S40 and S41 (a0 + a1 = 0.65, dates approximate); trusts and practices assumed"},
    {p, "bass.p", "p", "1/year", 0, 50, {lognormal(1.05, 0.7), lognormal(0.33, 0.7), lognormal(1.3, 0.7)},
     {1.05, 0.33, 1.3}, D, P, "External hazard of deciding, once engaged, while the programme is commissioned",
     "Mean-field inversion of counts in S64 (trusts), S61 and S62 (practices), S40 and S41 (homes)"},
    {p_market, "bass.p_market", "p_market", "1/year", 0, 10, all(lognormal(0.03, 0.7)), all(0.03), A, P,
     "External hazard of deciding, once engaged, when nobody commissions", "S3 (secondary source); spread assumed"},
    {q, "bass.q", "q", "1/year", 0, 5, all(lognormal(0.35, 0.5)), all(0.35), R, P,
     "Peer hazard of deciding when every peer is in use, summed over the layers", "S3 (0.3 to 0.5)"},
    {share_geography, "peers.share_geography", "q_1/q", "share", 0, 1, all(share(3)), all(0.3), A, P,
     "Share of the peer hazard that comes through geographical neighbours",
     "Layer supported by S14, S15, S16"},
    {share_community, "peers.share_community", "q_2/q", "share", 0, 1, all(share(3)), all(0.3), A, P,
     "Share of the peer hazard that comes through the community of practice", "Layer supported by S16"},
    {share_ownership, "peers.share_ownership", "q_3/q", "share", 0, 1, all(share(2)), all(0.2), A, P,
     "Share of the peer hazard that comes through common ownership", "Layer supported by S7"},
    {share_pathway, "peers.share_pathway", "q_4/q", "share", 0, 1, all(share(2)), all(0.2), A, P,
     "Share of the peer hazard that comes along the care pathway", "Layer supported by S15"},
    {kappa, "peers.kappa", "kappa", "1", 1, 20, all(Prior{Family::one_or_uniform, 1, 4}), all(1.0), A, P,
     "Steepness of the response to exposure; 1 is the Bass response", "Complex contagion S18, S19"},
    {theta, "peers.theta", "theta", "share", 0.01, 1, all(between(0.1, 0.5)), all(0.25), A, P,
     "Exposure of half effect where the response is steep", "About 25 % claimed in S114"},
    {eta, "facilitation.eta", "eta", "1", 0.1, 20, all(lognormal(1.8, 0.21)), all(1.8), D, P,
     "Factor on the hazard of deciding under saturating facilitation",
     "Between the odds ratio 1.50 of S23 and the hazard ratio 1.9 to 2.5 of S20"},
    {half_effort_factor, "facilitation.half_effort_factor", "f_e50", "1", 0.01, 100, all(lognormal(1, 0.6)),
     all(1.0), A, P,
     "Effort of half effect, in units of half the national delivered effort", ""},
    {psi, "policy.psi", "psi", "1", 0.05, 50, all(lognormal(2, 0.6)), all(2.0), D, P,
     "Factor on the hazard of deciding while a mandate or incentive is active",
     "Odds ratio 5.6 (1.7 to 28.8) of S30, nearly null in S5"},
    {s_plus, "emergency.s_plus", "s+", "1", 0.01, 1000, all(lognormal(20, 0.7)), all(20.0), D, P,
     "Factor on the hazard of deciding in the COVID-19 window for an aligned programme",
     "S57, S62, S64; contains a mandate"},
    {s_minus, "emergency.s_minus", "s-", "1", 0, 10, all(lognormal(0.3, 0.4)), all(0.3), D, P,
     "Factor on the hazard of deciding in the COVID-19 window for a programme that is not aligned",
     "0.054/0.204 from S61 and S62; confounded with the end of the programme"},
    {beta_size, "differences.beta_size", "beta_size", "1", -3, 3,
     {normal_prior(0.1, 0.08), normal_prior(0, 0.15), normal_prior(0.1, 0.1)}, {0.1, 0, 0.1}, A, P,
     "Log hazard ratio per 100 beds (trusts) or per standard deviation of size (practices, homes)",
     "Trusts: S8, shrunk; practices: signs conflict in S11 and S12; homes: sign alone in S7"},
    {beta_chain, "differences.beta_chain", "beta_chain", "1", -3, 3, all(normal_prior(0.3, 0.2)), all(0.3), A, P,
     "Log hazard ratio of a large owner group against a single organisation",
     "Sign S7; size from S8 and S9, shrunk; S106"},
    {beta_teaching, "differences.beta_teaching", "beta_teach", "1", -3, 3, all(normal_prior(0.2, 0.2)), all(0.2), A, P,
     "Log hazard ratio of a teaching trust", ""},
    {beta_deprivation, "differences.beta_deprivation", "beta_dep", "1", -3, 3, all(normal_prior(0, 0.05)), all(0.0),
     A, P,
     "Log hazard ratio per deprivation quintile towards the more deprived",
     "None found for organisations; S17 and S10 on patients and robots"},
    {sd_region, "differences.sd_region", "sd(u)", "1", 0, 3, all(half_normal(0.3)), all(0.3), A, P,
     "Standard deviation of the regional effect on the log hazard", ""},
    {sd_readiness, "differences.sd_readiness", "sd(v)", "1", 0, 3, all(half_normal(0.5)), all(0.5), A, P,
     "Standard deviation of an organisation's readiness on the log hazard", ""},
    {complexity, "differences.complexity", "c", "1", -3, 3, all(fixed(0)), all(0.0), A, P,
     "Complexity of the innovation, taken from the log hazard", ""},
    {susceptible_share, "differences.susceptible_share", "m", "share", 0, 1, all(fixed(1)), all(1.0), A, P,
     "Share of organisations that can ever decide",
     "1 by construction: the hazards were inverted without it"},
    {attention_half_point, "implementation.attention_half_point", "n50", "programmes", 0.1, 1000,
     all(lognormal(4, 0.4)), all(4.0), A, P,
     "Programmes being implemented at once that halve the hazard of deciding", "Qualitative in S108"},
    {start_in_use, "initial.in_use", "s0", "share", 0, 1, all(fixed(0)), all(0.0), A, P,
     "Share of organisations in use when the programme begins", "None unless the programme states one"},
    {added_community, "peers.added_community", "q_5/q", "share", 0, 5, all(fixed(0.3)), all(0.3), A, P,
     "Peer hazard that a community of practice made by a lever adds, as a share of q",
     "As much as the community of practice that is there"},
    // implementing
    {phi, "implementation.phi", "phi0", "probability", 0, 1, all(beta(14.1, 7.9)), all(0.64), R, P,
     "Probability that an implementation ends in use", "S32 (0.64, 0.42 to 0.82)"},
    {tau, "implementation.tau", "tau", "year", 0, 10,
     {lognormal(0.75, 0.3), lognormal(0.33, 0.3), lognormal(0.25, 0.3)}, {0.75, 0.33, 0.25}, A, P,
     "Mean time from decision to use", "Trusts: S118 and S76; practices and homes assumed"},
    {erlang_shape, "implementation.erlang_shape", "k", "phases", 1, 32, all(fixed(3)), all(3.0), A, P,
     "Phases of the implementing time, which is Erlang distributed", ""},
    {refractory, "implementation.refractory", "t_ref", "year", 0, 20, all(fixed(1)), all(1.0), A, P,
     "Time after a failed implementation before a new decision", ""},
    {success_by_readiness, "implementation.success_by_readiness", "b_v", "1", -5, 5, all(fixed(0.5)), all(0.5), A, P,
     "Slope of the logit of success on readiness", ""},
    {success_by_complexity, "implementation.success_by_complexity", "b_c", "1", -5, 5, all(fixed(0.5)), all(0.5), A, P,
     "Slope of the logit of failure on complexity", ""},
    {success_by_effort, "implementation.success_by_effort", "b_e", "1", -5, 5, all(fixed(0.3)), all(0.3), A, P,
     "Slope of the logit of success on saturated effort", ""},
    // in use
    {mu1, "sustainment.mu1", "mu1", "1/year", 0, 20, all(lognormal(0.25, 0.3)), all(0.25), D, P,
     "Hazard of stopping in the first year of use", "With mu2 gives 47 % at six years, S33; upper bound S36"},
    {mu2, "sustainment.mu2", "mu2", "1/year", 0, 20, all(lognormal(0.1, 0.3)), all(0.1), D, P,
     "Hazard of stopping after the first year of use", "With mu1 gives 47 % at six years, S33"},
    {rho, "sustainment.rho", "rho", "1/year", 0, 20, all(lognormal(0.097, 0.3)), all(0.097), D, P,
     "Hazard of starting again after stopping", "Solves P(restart by six years) = 0.16, S33"},
    {fidelity_start, "fidelity.start", "F0", "share", 0, 1, all(beta(6, 4)), all(0.6), A, P,
     "Fidelity at the start of use", "Full-tool implementation low in S48"},
    {retraining, "fidelity.retraining", "r", "1/year", 0, 50, all(lognormal(0.5, 0.4)), all(0.5), A, P,
     "Rate at which training restores fidelity", ""},
    {turnover, "fidelity.turnover", "turn", "1/year", 0, 5,
     {normal_prior(0.1, 0.01), normal_prior(0.1, 0.01), normal_prior(0.3, 0.03)}, {0.1, 0.1, 0.3}, R, P,
     "Staff turnover, the rate at which fidelity is lost", "Homes S37; NHS S38 (nurses)"},
    {reference_fidelity, "fidelity.reference", "F_ref", "share", 0.01, 1, {fixed(0.833), fixed(0.833), fixed(0.625)},
     {0.833, 0.833, 0.625}, D, P, "Fidelity at which the effect was measured",
     "Equilibrium r / (r + turnover) of the defaults"},
    {stop_by_fidelity, "sustainment.stop_by_fidelity", "g1", "1", -10, 10, all(fixed(1)), all(1.0), A, P,
     "Slope of the log hazard of stopping on lost fidelity, 0.7 - F", ""},
    {stop_by_effort, "sustainment.stop_by_effort", "b_s", "share", 0, 1, all(fixed(0.3)), all(0.3), A, P,
     "Share of the hazard of stopping that saturated effort takes away", ""},
    {withdrawal_factor, "sustainment.withdrawal_factor", "f_w", "1", 1, 1000, all(fixed(20)), all(20.0), A, P,
     "Factor on the hazard of stopping once a programme is withdrawn nationally", "Most stop within a year"},
    // outcome
    {relative_risk, "effect.relative_risk", "RR", "1", 0.01, 5, all(fixed(1)), all(1.0), A, P,
     "Risk of the event in use at the reference fidelity, relative to no use; above 1 is harm",
     "No effect unless the programme states one"},
    {effect_variation, "effect.variation", "s", "1", 0, 2, all(fixed(0.1)), all(0.1), A, P,
     "Standard deviation between organisations of the log relative risk", ""},
    {coverage, "effect.coverage", "cov", "share", 0, 1, all(fixed(1)), all(1.0), A, P,
     "Share of those eligible whom an organisation in use reaches", ""},
    {persons_per_organisation, "effect.persons_per_organisation", "n", "persons", 0, 1e7,
     {fixed(0), fixed(0), fixed(17.3)}, {0, 0, 17.3}, D, P,
     "People eligible at an organisation of mean size; 0 = not known",
     "Homes: 274,000 residents in 15,800 homes, S42 and S43"},
    {arrivals, "effect.arrivals", "new", "1/year", 0, 100, {fixed(0), fixed(0), fixed(0.5)}, {0, 0, 0.5}, A, P,
     "New people a year per place", ""},
    {persons_a_year, "effect.persons_a_year", "n/year", "persons/year", 0, 1e8, all(fixed(0)), all(0.0), A, P,
     "People a year who are newly eligible at all organisations of the historic denominator; 0 = not known",
     "Not known unless the programme states it"},
    {baseline_events, "effect.baseline_events", "B", "events/year", 0, 1e9,
     {fixed(0), fixed(0), fixed(192000.0 * 15140 / 15800)}, {0, 0, 192000.0 * 15140 / 15800}, D, P,
     "Events a year at all organisations of the historic denominator without the programme; 0 = not known",
     "Homes: 192,000 emergency admissions in 15,800 homes (S42, S43), scaled to the 15,140 of S41"},
    {baseline_risk, "effect.baseline_risk", "risk0", "share", 0, 1, all(fixed(0)), all(0.0), A, P,
     "Risk of the event without the treatment, per person newly eligible (or person and year where people stay eligible)",
     "Not known unless the programme states it"},
    {avoidable_cap, "effect.avoidable_cap", "cap", "share", 0, 1, all(fixed(1)), all(1.0), A, P,
     "Largest share of the baseline that can be avoided", "No cap unless the programme states one"},
    {bed_days_per_event, "effect.bed_days_per_event", "LOS", "bed-days", 0, 1000, {fixed(0), fixed(0), fixed(10.8)},
     {0, 0, 10.8}, D, P, "Bed days released by one avoided admission; 0 = not known", "Homes: 34,900/3,232, S41"},
    {days_sooner, "effect.days_sooner", "t_d", "person-days", -3650, 3650, all(fixed(0)), all(0.0), A, P,
     "Days by which a person reached is diagnosed or treated sooner", "None unless the programme states it"},
    {background_trend, "background.trend", "s", "1/year", -3, 3, all(fixed(0)), all(0.0), A, P,
     "Drift without the programme, the same in all worlds: of the logit of uptake, or of the log of the baseline events",
     "None unless the programme states it"},
    // uptake of a treatment, and capacity
    {uptake_start, "uptake.start", "b0", "share", 0, 1, all(fixed(0)), all(0.0), A, P,
     "Mean uptake of the treatment without the programme, when its background begins", "Owed by programmes of uptake"},
    {uptake_spread, "uptake.spread", "sd(b)", "1", 0, 3, all(fixed(0.6)), all(0.6), A, P,
     "Standard deviation between organisations of the logit of uptake", ""},
    {uptake_ceiling, "uptake.ceiling", "c_max", "share", 0, 1, all(fixed(0.95)), all(0.95), A, P,
     "Highest uptake that can be reached", ""},
    {gap_closed, "uptake.gap_closed", "d", "share", 0, 1, all(fixed(0)), all(0.0), A, P,
     "Share of the gap between uptake and its ceiling that use at the reference fidelity closes",
     "None unless the programme states it"},
    {beds, "capacity.beds", "beds", "beds", 0, 1e6, all(fixed(0)), all(0.0), A, P,
     "Beds when all organisations of the historic denominator are in use", "None unless the programme states it"},
    {occupancy, "capacity.occupancy", "occ", "share", 0, 1, all(fixed(0.7)), all(0.7), R, P, "Share of beds occupied",
     "O-virtual-beds: about 70 % nationally in 2023"},
    {ward_stay, "capacity.stay", "LOS_w", "bed-days", 0.1, 365, all(between(7, 14)), all(10.5), A, P,
     "Mean stay on the ward", ""},
    {step_up_share, "capacity.step_up_share", "s_up", "share", 0, 1, all(fixed(0.5)), all(0.5), A, P,
     "Share of ward admissions that come from home rather than hospital", ""},
    {avoided_per_ward_admission, "capacity.avoided_per_admission", "a_w", "share", -1, 1, all(beta(4, 6)), all(0.4), R,
     P, "Hospital admissions avoided by one admission from home to the ward", "1 per 2.5, S58"},
    // value of an event and of a person reached
    {value_per_event, "value.per_event", "c_e", "GBP", -1e7, 1e7, all(fixed(0)), all(0.0), A, P,
     "Value to the NHS of one event avoided, 2023/24 prices; 0 = the price of an admission where it is one, else not priced",
     "Not priced unless the programme states it"},
    {value_per_person, "value.per_person", "c_n", "GBP", -1e6, 1e6, all(fixed(0)), all(0.0), A, P,
     "Value to the NHS of one person reached, 2023/24 prices", "None unless the programme states it"},
    {social_value_per_event, "value.social_per_event", "w_e", "GBP", -1e7, 1e7, all(fixed(0)), all(0.0), A, P,
     "Value outside the NHS of one event avoided, 2023/24 prices", "None unless the programme states it"},
    {qalys_per_event, "value.qalys_per_event", "Q_e", "QALYs", -50, 50, all(fixed(0)), all(0.0), A, P,
     "Quality-adjusted life years gained by one event avoided; 0 = not known", "Not known unless the programme states it"},
    {qalys_per_person, "value.qalys_per_person", "Q_n", "QALYs", -50, 50, all(fixed(0)), all(0.0), A, P,
     "Quality-adjusted life years gained by one person reached; 0 = not known",
     "Not known unless the programme states it"},
    {journeys_per_person, "carbon.journeys_per_person", "trips", "journeys", 0, 1000, all(fixed(0)), all(0.0), A, P,
     "Journeys to care that one person reached is spared; 0 = not known", "Not known unless the programme states it"},
    // cost
    {delivery_staff_days, "cost.delivery_staff_days", "D", "staff-days/year", 0, 1e7, all(fixed(0)), all(0.0), A, P,
     "Staff-days a year that the network delivers in all, while commissioned", "None unless the programme states it"},
    {staff_day_price, "cost.staff_day_price", "c_day", "GBP/staff-day", 0, 1e4, all(between(250, 450)), all(320.0),
     A, P,
     "Price of one staff-day of the network", ""},
    {set_up_cost, "cost.set_up", "c_setup", "GBP", 0, 1e9, {fixed(0), fixed(0), lognormal(900, 0.5)}, {0, 0, 900}, A, P,
     "Cost to an organisation of each implementation that it enters", ""},
    {running_cost, "cost.running", "c_run", "GBP/year", 0, 1e9, {fixed(0), fixed(0), lognormal(300, 0.5)}, {0, 0,
     300}, A,
     P, "Cost to an organisation of a year in use", ""},
    {cost_per_person, "cost.per_person", "c_person", "GBP", 0, 1e6, all(fixed(0)), all(0.0), A, P,
     "Cost to an organisation of each person reached, 2023/24 prices", "None unless the programme states it"},
    // economy
    {admission_price, "economy.admission_price", "c_adm", "GBP", 0, 1e6, all(lognormal(2931, 0.15)), all(2931.0), D, E,
     "Value of one emergency admission at 2016/17 prices", "GBP 17.0 billion / 5.8 million, S88 and S89"},
    {deflator, "economy.deflator", "defl", "1", 0.5, 3, all(between(1.22, 1.32)), all(1.27), A, E,
     "Prices of 2023/24 relative to 2016/17", ""},
    {bed_day_price, "economy.bed_day_price", "c_bd", "GBP", 0, 1e5, all(lognormal(536, 0.15)), all(536.0), R, E,
     "Value of one general bed day, where bed days and not admissions are what is avoided",
     "S59 (one trust, 2022), taken at 2023/24 prices; spread assumed"},
    {cashable_share, "economy.cashable_share", "chi", "share", 0, 1, all(beta(2, 8)), all(0.2), A, E,
     "Share of the gross value that can be taken out as cash", "None found"},
    {discount_money, "economy.discount_money", "d", "1/year", 0, 0.2, all(fixed(0.035)), all(0.035), R, E,
     "Discount rate of money in the first thirty years", "S93"},
    {discount_health, "economy.discount_health", "d_h", "1/year", 0, 0.2, all(fixed(0.015)), all(0.015), A, E,
     "Discount rate of health in the first thirty years", "S92, S93; the primary text was not reached"},
    {optimism_cost, "economy.optimism_cost", "ob_c", "share", 0, 5, all(between(0, 0.4)), all(0.2), A, E,
     "Share by which costs are raised for optimism bias", "Ranges in S94"},
    {optimism_benefit, "economy.optimism_benefit", "ob_b", "share", 0, 1, all(between(0, 0.4)), all(0.2), A, E,
     "Share by which benefits in GBP are lowered for optimism bias, where the effect is not already shrunk",
     "Ranges in S94"},
    {qaly_value, "economy.qaly_value", "lambda_Q", "GBP", 0, 1e6, all(fixed(70000)), all(70000.0), R, E,
     "Value of a quality-adjusted life year", "S92 (Green Book 2022)"},
    {carbon_per_admission, "carbon.per_admission", "g_adm", "kgCO2e", 0, 1e5, all(fixed(0)), all(0.0), A, E,
     "Carbon of one emergency admission beside its bed days; 0 = no factor read", "No factor read"},
    {carbon_per_bed_day, "carbon.per_bed_day", "g_bd", "kgCO2e", 0, 1e5, all(fixed(0)), all(0.0), A, E,
     "Carbon of one hospital bed day; 0 = no factor read", "No factor read"},
    {carbon_per_journey, "carbon.per_journey", "g_trip", "kgCO2e", 0, 1e5, all(fixed(0)), all(0.0), A, E,
     "Carbon of one journey to care; 0 = no factor read", "No factor read"},
    // growth ledger
    {growth_companies, "growth.companies", "nu", "companies/year", 0, 50000, all(fixed(2831)), all(2831.0), R, E,
     "Companies supported a year in all regions together", "O-network-2023 (2,831)"},
    {growth_investing_share, "growth.investing_share", "pi", "share", 0.001, 1, all(between(0.1, 0.3)), all(0.2), A, E,
     "Share of supported companies that report an investment", "Down to 0.1 allowed by the yearly totals"},
    {growth_investment_per_company, "growth.investment_per_company", "pi E[L]", "GBP", 0, 1e9, all(fixed(151180)),
     all(151180.0), D, E, "Mean investment reported per supported company, those without one included",
     "GBP 428 million / 2,831 companies in 2022-23, O-network-2023"},
    {growth_investment_spread, "growth.investment_spread", "s_L", "1", 0, 3, all(between(1, 1.4)), all(1.2), A, E,
     "Standard deviation of the log of an investment",
     "Variation of five yearly totals (5.6 %) allows up to about 1.4"},
    {growth_jobs_per_company, "growth.jobs_per_company", "jbar", "jobs", 0, 1000, all(fixed(0.469)), all(0.469), D, E,
     "Mean jobs created or safeguarded per supported company", "1,329 / 2,831 in 2022-23, AHSN Network impact report"},
    {growth_job_dispersion, "growth.job_dispersion", "k", "1", 0.001, 1000, all(fixed(0.05)), all(0.05), A, E,
     "Dispersion of a company's jobs: variance = mean + mean^2 / k", ""},
    {growth_response, "growth.response", "omega", "share", 0.01, 1, all(between(0.4, 0.5)), all(0.45), R, E,
     "Share of supported companies that answer the survey", "S84 (40 to 50 %)"},
    {growth_extrapolation, "growth.extrapolation", "e", "share", 0, 1, all(fixed(0)), all(0.0), A, E,
     "How far totals of respondents are raised to those who do not answer; 0 = as reported, 1 = as if all were alike",
     "As reported: nothing is known of those who do not answer"},
    {growth_deadweight, "growth.deadweight", "GI*/GI", "share", 0, 1, all(beta(7, 4)), all(0.63), A, E,
     "Share of the reported investment that would have come anyway",
     "None read; what the additionality of jobs leaves"},
    {growth_leakage, "growth.leakage", "L", "share", 0, 1, all(fixed(0)), all(0.0), A, E,
     "Share of the investment that benefits others than those meant", "None read"},
    {growth_displacement, "growth.displacement", "Dp", "share", 0, 1, all(fixed(0)), all(0.0), A, E,
     "Share of the investment that takes the place of other investment in the area", "None read"},
    {growth_substitution, "growth.substitution", "S", "share", 0, 1, all(fixed(0)), all(0.0), A, E,
     "Share of the investment that a company moves from another activity of its own", "None read"},
    {growth_multiplier, "growth.multiplier", "M", "1", 0, 10, all(fixed(1)), all(1.0), A, E,
     "Further effects per pound of investment", "None read"},
    {growth_job_additionality, "growth.job_additionality", "a_J", "share", 0, 1, all(beta(4, 7)), all(0.37), D, E,
     "Share of the reported jobs that would not have come anyway",
     "With one year of GVA per job gives the published return of 3.96; S96 and S97 give no ratio"},
    {growth_value_per_job, "growth.value_per_job", "v_J", "GBP", 0, 1e7, all(fixed(103063)), all(103063.0), D, E,
     "Value of an additional job for a year, in the return on growth funding",
     "Set so that 1,350 jobs a year and GBP 13 million give 3.96; 1 % below the GVA of GBP 104,000 per employee in S98"},
    {growth_job_years, "growth.job_years", "y_J", "year", 0, 50, all(fixed(1)), all(1.0), A, E,
     "Time that an additional job counts for", "With one year the published return is met"},
    {growth_value_of_investment, "growth.value_of_investment", "v_I", "1", 0, 10, all(fixed(0)), all(0.0), A, E,
     "Value of an additional pound of investment, in the return on growth funding",
     "None: the published return is met by jobs alone"},
    {growth_network_cost, "growth.network_cost", "K", "GBP/year", 0, 1e10, all(fixed(13e6)), all(13e6), D, E,
     "Growth funding of all networks", "Office for Life Sciences, GBP 39 million in three years (S87)"},
    {growth_fellows, "growth.fellows", "nu_F", "fellows/year", 0, 1000, all(fixed(12.5)), all(12.5), D, E,
     "Fellows who join the NHS Innovation Accelerator a year",
     "Close to 100 from 2015 to 2023 (AHSN Network, 10 years of AHSNs)"},
    {growth_supported, "growth.supported", "p_1", "share", 0, 1, all(fixed(0.221)), all(0.221), D, E,
     "Share of companies that come to the highest support", "685 of 3,100 in 2024-25, S82, the stock as denominator"},
    {growth_evaluated, "growth.evaluated", "p_2", "share", 0, 1, all(fixed(0.065)), all(0.065), D, E,
     "Share of companies whose innovation is evaluated", "200 of 3,100 in 2024-25, S82, the stock as denominator"},
    {growth_in_new_setting, "growth.in_new_setting", "p_3", "share", 0, 1, all(fixed(0.048)), all(0.048), D, E,
     "Share of companies whose innovation comes into a new setting",
     "150 of 3,100 in 2024-25, S82, the stock as denominator"},
}};
// clang-format on

constexpr bool rows_stand_at_their_index() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].id) != i) return false;
    if ((kTable[i].home == Home::programme) != (i < static_cast<std::size_t>(kNProgrammeParameters))) return false;
  }
  return true;
}
static_assert(rows_stand_at_their_index());
}  // namespace

std::span<const ParameterSpec> parameter_table() { return kTable; }

const ParameterSpec* find_parameter(std::string_view key) {
  const auto* row = std::ranges::find(kTable, key, &ParameterSpec::key);
  return row == kTable.end() ? nullptr : row;
}

// ---- Priors as text -----------------------------------------------------------------------------------------------

namespace {
struct FamilyText {
  Family family;
  std::string_view name;  ///< what stands before the bracket
  int n_numbers;
};
constexpr std::array kFamilyTexts{
    FamilyText{Family::fixed, "fixed", 1},
    FamilyText{Family::normal, "N", 2},
    FamilyText{Family::half_normal, "HalfN", 1},
    FamilyText{Family::lognormal, "LN", 2},
    FamilyText{Family::beta, "Beta", 2},
    FamilyText{Family::uniform, "U", 2},
    FamilyText{Family::log_uniform, "LU", 2},
    FamilyText{Family::gamma_share, "Dirichlet", 1},
    FamilyText{Family::one_or_uniform, "1 or U", 2},
};

// Shapes outside these bounds are no beliefs that anybody holds, and would underflow or converge slowly [A].
constexpr double kLeastShape = 0.1, kMostShape = 1e4;

bool is_shape(double x) { return x >= kLeastShape && x <= kMostShape; }

bool makes_sense(const Prior& prior) {
  switch (prior.family) {
    case Family::fixed:
      return true;
    case Family::normal:
      return prior.b > 0;
    case Family::half_normal:
      return prior.a > 0;
    case Family::lognormal:
      return prior.a > 0 && prior.b > 0;
    case Family::beta:
      return is_shape(prior.a) && is_shape(prior.b);
    case Family::uniform:
      return prior.a < prior.b;
    case Family::log_uniform:
      return prior.a > 0 && prior.a < prior.b;
    case Family::gamma_share:
      return is_shape(prior.a);
    case Family::one_or_uniform:
      return prior.a >= 1 && prior.a < prior.b;
  }
  return false;
}

std::optional<double> number(std::string_view text) {
  const auto quantity = parse_quantity(text);
  return quantity && quantity->unit.empty() ? std::optional(quantity->value) : std::nullopt;
}
}  // namespace

std::string to_text(const Prior& prior) {
  const FamilyText& family = kFamilyTexts[static_cast<std::size_t>(prior.family)];
  return family.n_numbers == 1 ? fmt::format("{}({})", family.name, prior.a)
                               : fmt::format("{}({}, {})", family.name, prior.a, prior.b);
}

std::optional<Prior> parse_prior(std::string_view text) {
  text = trimmed(text);
  const auto open = text.find('(');
  if (open == std::string_view::npos || text.back() != ')') return std::nullopt;
  const auto family = std::ranges::find(kFamilyTexts, trimmed(text.substr(0, open)), &FamilyText::name);
  if (family == kFamilyTexts.end()) return std::nullopt;

  const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  const auto comma = inside.find(',');
  if ((comma != std::string_view::npos) != (family->n_numbers == 2)) return std::nullopt;
  const auto first = number(inside.substr(0, comma));
  const auto second = family->n_numbers == 2 ? number(inside.substr(comma + 1)) : 0.0;
  if (!first || !second) return std::nullopt;
  const Prior prior{family->family, *first, *second};
  return makes_sense(prior) ? std::optional(prior) : std::nullopt;
}

// ---- Inverse distribution functions -------------------------------------------------------------------------------

namespace {
/// ln Gamma(x), x > 0: Stirling's series (DLMF 5.11.1) above 10, the recurrence below. std::lgamma is not used because
/// it writes a global sign, a race between threads.
double log_gamma(double x) {
  double product = 1;
  while (x < 10) {
    product *= x;
    x += 1;
  }
  const double r = 1 / (x * x);
  const double series =
      (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * 691.0 / 360360))))) / x;
  return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2 * std::numbers::pi) + series - std::log(product);
}

constexpr int kMostTerms = 20000;
constexpr double kTiny = 1e-300, kPrecision = 1e-16;

/// Modified Lentz evaluation (Thompson & Barnett 1986) of b0 + a1/(b1 + a2/(b2 + ...)); `term(n)` gives {a_n, b_n}.
template <typename Term>
double continued_fraction(double b0, Term term) {
  double value = b0 == 0 ? kTiny : b0, c = value, d = 0;
  for (int n = 1; n < kMostTerms; ++n) {
    const auto [a, b] = term(n);
    d = b + a * d;
    d = 1 / (d == 0 ? kTiny : d);
    c = b + a / c;
    if (c == 0) c = kTiny;
    value *= c * d;
    if (std::abs(c * d - 1) < kPrecision) break;
  }
  return value;
}

/// A logarithm of a distribution function and its derivative with respect to ln x.
struct LogDistribution {
  double value, slope;
};

/// ln I_x(a, b) at x = e^y, I the regularised incomplete beta function (DLMF 8.17.22).
LogDistribution log_beta_distribution(double y, double a, double b, double log_beta) {
  const double x = std::exp(y);
  if (x >= 1) return {0, 0};
  const double log_front = a * y + b * std::log1p(-x) - log_beta;
  const auto fraction = [](double z, double r, double s) {
    return continued_fraction(1, [=](int n) {
      const int half = n / 2;
      const double m = half;
      const double d = n % 2 == 0 ? m * (s - m) / ((r + 2 * m - 1) * (r + 2 * m))
                                  : -(r + m) * (r + s + m) / ((r + 2 * m) * (r + 2 * m + 1));
      return std::pair{d * z, 1.0};
    });
  };
  const double value = x < (a + 1) / (a + b + 2) ? log_front - std::log(a * fraction(x, a, b))
                                                 : std::log1p(-std::exp(log_front) / (b * fraction(1 - x, b, a)));
  return {value, std::exp(log_front - std::log1p(-x) - value)};
}

/// ln P(a, x) and ln Q(a, x) at x = e^y, the regularised incomplete gamma functions (DLMF 8.11.4 and 8.9.2).
struct LogGammaTails {
  LogDistribution lower, upper;  ///< slope of `upper` is of -ln Q
};
LogGammaTails log_gamma_distribution(double y, double a, double log_gamma_a) {
  const double x = std::exp(y);
  const double log_front = a * y - x - log_gamma_a;  // of x times the density
  double lower = 0, upper = 0;
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < kMostTerms && term > sum * kPrecision; ++n) sum += term *= x / (a + n);
    lower = log_front + std::log(sum);
    upper = std::log1p(-std::exp(lower));
  } else {
    upper = log_front - std::log(continued_fraction(x + 1 - a, [=](int n) {
              return std::pair{-n * (n - a), x + 2 * n + 1 - a};
            }));
    lower = std::log1p(-std::exp(upper));
  }
  return {{lower, std::exp(log_front - lower)}, {upper, std::exp(log_front - upper)}};
}

/// Root of an increasing function given as {value, slope}: Newton's steps, halving where they leave the bracket.
template <typename Function>
double root_of(Function function, double lowest, double highest, double start) {
  double y = std::clamp(start, lowest, highest);
  for (int i = 0; i < 200; ++i) {
    const LogDistribution f = function(y);
    (f.value < 0 ? lowest : highest) = y;
    double next = y - f.value / f.slope;
    if (!(next > lowest && next < highest)) next = lowest + (highest - lowest) / 2;
    if (std::abs(next - y) <= 1e-15 * std::max(1.0, std::abs(y))) return next;
    y = next;
  }
  return y;
}

constexpr double kLeastLog = -745;  // ln of the least positive double

double beta_quantile(double u, double a, double b) {
  if (u > 0.5) return 1 - beta_quantile(1 - u, b, a);  // the nearer tail has the relative precision
  const double log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b);
  // I_x(a, b) ~ x^a / (a B(a, b)) for small x
  const double start = std::min((std::log(u) + std::log(a) + log_beta) / a, std::log(a / (a + b)));
  const auto excess = [&](double y) {
    const LogDistribution f = log_beta_distribution(y, a, b, log_beta);
    return LogDistribution{f.value - std::log(u), f.slope};
  };
  return std::exp(root_of(excess, kLeastLog, 0, start));
}

double gamma_quantile(double u, double a) {
  const double log_gamma_a = log_gamma(a);
  const double most = std::log(a + 10 * std::sqrt(a) + 50);  // beyond the quantile of 1 - 2^-53
  const auto excess = [&](double y) {
    const LogGammaTails f = log_gamma_distribution(y, a, log_gamma_a);
    return u > 0.5 ? LogDistribution{std::log1p(-u) - f.upper.value, f.upper.slope}
                   : LogDistribution{f.lower.value - std::log(u), f.lower.slope};
  };
  const double start = u > 0.5 ? std::log(a) : (std::log(u) + std::log(a) + log_gamma_a) / a;
  return std::exp(root_of(excess, kLeastLog, most, start));
}

double unclipped_quantile(const Prior& prior, double u) {
  switch (prior.family) {
    case Family::fixed:
      return prior.a;
    case Family::normal:
      return prior.a + prior.b * normal_quantile(u);
    case Family::half_normal:
      return -prior.a * normal_quantile((1 - u) / 2);
    case Family::lognormal:
      return prior.a * std::exp(prior.b * normal_quantile(u));
    case Family::beta:
      return beta_quantile(u, prior.a, prior.b);
    case Family::uniform:
      return prior.a + (prior.b - prior.a) * u;
    case Family::log_uniform:
      return prior.a * std::exp(u * std::log(prior.b / prior.a));
    case Family::gamma_share:
      return gamma_quantile(u, prior.a);
    case Family::one_or_uniform:
      return u < 0.5 ? 1 : prior.a + (prior.b - prior.a) * (2 * u - 1);
  }
  return std::numeric_limits<double>::quiet_NaN();
}
}  // namespace

double quantile(const Prior& prior, double u, double lowest, double highest) {
  UPTAKE_EXPECTS(u > 0 && u < 1);
  return std::clamp(unclipped_quantile(prior, u), lowest, highest);
}

}  // namespace uptake
