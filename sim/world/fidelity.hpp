/// Fidelity over the time in use, and its integral where reach stops growing with it.
#pragma once

namespace uptake {

/// f(a) = min(F(a) / F_ref, limit) with dF/dt = r (1 - F) - turnover F from F0: its integral in closed form.
class FidelityRatio {
 public:
  FidelityRatio(double fidelity_start, double retraining, double turnover, double reference, double limit);
  /// f at `age` years in use.
  [[nodiscard]] double at(double age) const;
  /// Integral of f from 0 to `age`, years.
  [[nodiscard]] double integral(double age) const { return integral(age, unlimited_integral(age)); }
  /// The same, where that of F / F_ref is known: it is one for all limits.
  [[nodiscard]] double integral(double age, double unlimited) const;
  [[nodiscard]] double unlimited_integral(double age) const;
  /// Largest value over all ages.
  [[nodiscard]] double highest() const;
  /// The same course under another limit.
  [[nodiscard]] FidelityRatio limited(double limit) const;

 private:
  FidelityRatio(double start, double end, double rate, double limit);
  double start_, end_, rate_;  // f without limit: end + (start - end) exp(-rate a)
  double limit_;
  double crossing_ = 0,
         until_crossing_ = 0;  // age at which f comes to the limit or leaves it, the integral up to there
};

}  // namespace uptake
