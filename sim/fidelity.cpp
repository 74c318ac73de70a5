#include "fidelity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "uptake/outcomes.hpp"

namespace uptake {

double fidelity_at(double age, double fidelity_start, double retraining, double turnover) {
  return FidelityRatio(fidelity_start, retraining, turnover, 1, std::numeric_limits<double>::infinity()).at(age);
}

FidelityRatio::FidelityRatio(double fidelity_start, double retraining, double turnover, double reference, double limit)
    : start_(fidelity_start / reference),
      end_(retraining + turnover > 0 ? retraining / (retraining + turnover) / reference : start_),
      rate_(retraining + turnover),
      limit_(limit) {}

FidelityRatio FidelityRatio::limited(double limit) const {
  FidelityRatio other = *this;
  other.limit_ = limit;
  return other;
}

double FidelityRatio::highest() const { return std::min(std::max(start_, end_), limit_); }

double FidelityRatio::at(double age) const { return std::min(end_ + (start_ - end_) * std::exp(-rate_ * age), limit_); }

double FidelityRatio::unlimited_integral(double age) const {
  return rate_ == 0 ? start_ * age : end_ * age - (start_ - end_) * std::expm1(-rate_ * age) / rate_;
}

double FidelityRatio::integral(double age) const {
  if (std::max(start_, end_) <= limit_) return unlimited_integral(age);
  if (std::min(start_, end_) >= limit_) return limit_ * age;
  const double crossing = -std::log((limit_ - end_) / (start_ - end_)) / rate_;
  if (start_ < end_)
    return age <= crossing ? unlimited_integral(age) : unlimited_integral(crossing) + limit_ * (age - crossing);
  return age <= crossing ? limit_ * age : limit_ * crossing + unlimited_integral(age) - unlimited_integral(crossing);
}

}  // namespace uptake
