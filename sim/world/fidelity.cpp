#include "world/fidelity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "uptake/world.hpp"

namespace uptake {

double fidelity_at(double age, double fidelity_start, double retraining, double turnover) {
  return FidelityRatio(fidelity_start, retraining, turnover, 1, std::numeric_limits<double>::infinity()).at(age);
}

FidelityRatio::FidelityRatio(double fidelity_start, double retraining, double turnover, double reference, double limit)
    : FidelityRatio(
          fidelity_start / reference,
          retraining + turnover > 0 ? retraining / (retraining + turnover) / reference : fidelity_start / reference,
          retraining + turnover, limit) {}

FidelityRatio::FidelityRatio(double start, double end, double rate, double limit)
    : start_(start), end_(end), rate_(rate), limit_(limit) {
  if (std::min(start_, end_) >= limit_ || std::max(start_, end_) <= limit_) return;
  crossing_ = -std::log((limit_ - end_) / (start_ - end_)) / rate_;
  until_crossing_ = unlimited_integral(crossing_);
}

FidelityRatio FidelityRatio::limited(double limit) const { return {start_, end_, rate_, limit}; }

double FidelityRatio::highest() const { return std::min(std::max(start_, end_), limit_); }

double FidelityRatio::at(double age) const { return std::min(end_ + (start_ - end_) * std::exp(-rate_ * age), limit_); }

double FidelityRatio::unlimited_integral(double age) const {
  return rate_ == 0 ? start_ * age : end_ * age - (start_ - end_) * std::expm1(-rate_ * age) / rate_;
}

double FidelityRatio::integral(double age, double unlimited) const {
  if (std::max(start_, end_) <= limit_) return unlimited;
  if (std::min(start_, end_) >= limit_) return limit_ * age;
  if (start_ < end_) return age <= crossing_ ? unlimited : until_crossing_ + limit_ * (age - crossing_);
  return age <= crossing_ ? limit_ * age : limit_ * crossing_ + unlimited - until_crossing_;
}

}  // namespace uptake
