#include "uptake/scenario.hpp"

namespace uptake {

namespace {
using enum ImpactDimension;
constexpr std::array kSpreadOnly{practice, spread};
constexpr std::array kEvents{patient_outcome, practice, harm, efficiency, society, spread};
constexpr std::array kUptake{patient_outcome, practice, harm, spread};
constexpr std::array kStay{patient_outcome, practice, efficiency, society, spread};
constexpr std::array kDiagnosis{patient_outcome, practice, efficiency, spread};
constexpr std::array kValue{patient_outcome, practice, efficiency, society, spread};
constexpr std::array kCarbon{society};
constexpr std::array kCapacity{patient_outcome, practice, commissioning, efficiency, society, spread};

// Formulas: docs/odd.md 7.5. a = in use, F = fidelity now, F_ref = fidelity at which the effect was measured, w = F/F_ref.
constexpr std::array<OutcomeKindSpec, kNOutcomeKinds> kKinds{{
    {OutcomeKind::none, "none", "Adoption alone is simulated: no effect size was read, so none is shown", "", "",
     kSpreadOnly},
    {OutcomeKind::events, "events", "Fewer (or more) events of a baseline",
     "avoided = B [1 - prod (1 - cov w a (1 - RR))] over the programmes of one baseline, w at most 1.25; share of each "
     "by ln(1 - x)",
     "model: shared baseline, log shares", kEvents},
    {OutcomeKind::uptake, "uptake", "More people treated, and the events that the treatment avoids",
     "u = b + (c_max - b) d a min(1, w); avoided = eligible (u - b at the start) risk0 (1 - RR)",
     "model: extra treated x absolute risk reduction", kUptake},
    {OutcomeKind::stay, "length-of-stay", "Shorter (or longer) stays in hospital",
     "bed days avoided = B [cov w a (1 - RR)]", "model: ratio of stays on baseline bed days", kStay},
    {OutcomeKind::diagnosis, "time-to-diagnosis", "Sooner diagnosis or treatment",
     "days sooner = persons a year cov min(1, w) a t_d", "model: days per person reached", kDiagnosis},
    {OutcomeKind::value, "value", "Value or quality of life per person reached",
     "value = persons a year cov min(1, w) a c_n", "model: value per person reached", kValue},
    {OutcomeKind::capacity, "capacity", "Beds opened, and the hospital admissions that they replace",
     "beds a min(1, w); ward admissions = beds occ 365.25/LOS_w; avoided = ward admissions s_up a_w",
     "model: beds approach their target with adoption", kCapacity},
    {OutcomeKind::carbon, "carbon",
     "Carbon that is not emitted, beside every other kind; shown only where a factor was read (carbon.per_…: none yet)",
     "kgCO2e = admissions avoided g_adm + bed days avoided g_bd + persons reached trips g_trip",
     "model: factors of the parameter table", kCarbon},
}};
constexpr bool rows_stand_at_their_index() {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (static_cast<std::size_t>(kKinds[i].id) != i) return false;
  return true;
}
static_assert(rows_stand_at_their_index(), "spec(id) indexes the table");
}  // namespace

std::span<const OutcomeKindSpec> outcome_kinds() { return kKinds; }

}  // namespace uptake
