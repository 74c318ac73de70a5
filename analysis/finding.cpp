#include "finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace uptake {

namespace {
constexpr std::array kSubjects{Subject{Metric::admissions_avoided, "avoided", "emergency admissions"},
                               Subject{Metric::events_avoided, "avoided", "events"},
                               Subject{Metric::bed_days_avoided, "released", "bed days"},
                               Subject{Metric::diagnosis_days_sooner, "saved", "days of waiting"},
                               Subject{Metric::patients_benefited, "reached", "people"},
                               Subject{Metric::ever_adopted, "brought into use", "organisations"}};
}  // namespace

const Subject& subject_of(const std::function<bool(Metric)>& is_known) {
  const auto found = std::ranges::find_if(kSubjects, is_known, &Subject::metric);
  return found == kSubjects.end() ? kSubjects.back() : *found;
}

std::string finding_text(const Subject& subject, std::string_view verb, std::string_view who, std::string_view gross,
                         std::string_view net) {
  if (subject.metric == Metric::ever_adopted)
    return fmt::format("{} organisations took up {}; {} of them would not have done so anyway", gross, who, net);
  return fmt::format("{} {} {} {}; {} of them would not have been {} anyway", who, verb, gross, subject.noun, net,
                     verb);
}

}  // namespace uptake
