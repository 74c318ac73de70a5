// What past programmes are pooled by: covariates of a programme, and the parameters that they explain.
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "uptake/record.hpp"

namespace uptake {

namespace {
constexpr std::array<std::string_view, 8> kCovariates{"practice", "home", "mandate", "incentive",
                                                      "evidence", "drug", "device",  "digital"};
constexpr std::array kPooled{Parameter::p,   Parameter::q,   Parameter::susceptible_share,
                             Parameter::phi, Parameter::tau, Parameter::mu1,
                             Parameter::mu2};
}  // namespace

std::span<const std::string_view> covariate_names() { return kCovariates; }

std::vector<double> covariates_of(const ProgrammeSpec& spec) {
  const auto adopters = spec.eligible.empty() ? AdopterClass::trust : adopter_class(spec.eligible.front());
  const std::array<bool, kCovariates.size()> is{adopters == AdopterClass::practice,
                                                adopters == AdopterClass::home,
                                                spec.push == NationalPush::mandate,
                                                spec.push == NationalPush::incentive,
                                                spec.evidence == Evidence::a || spec.evidence == Evidence::b,
                                                spec.innovation == InnovationKind::drug,
                                                spec.innovation == InnovationKind::device,
                                                spec.innovation == InnovationKind::digital};
  return {is.begin(), is.end()};
}

std::span<const Parameter> pooled_parameters() { return kPooled; }

}  // namespace uptake
