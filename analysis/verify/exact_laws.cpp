#include "verify/exact_laws.hpp"

#include <cmath>

namespace uptake {

namespace {

/// P(k of n) of a binomial law, by recurrence from k = 0 in logarithms of its first term.
void binomial_row(int n, double probability, double* out) {
  if (probability >= 1) {
    for (int k = 0; k < n; ++k) out[k] = 0;
    out[n] = 1;
    return;
  }
  const double odds = probability / (1 - probability);
  out[0] = std::exp(n * std::log1p(-probability));
  for (int k = 1; k <= n; ++k) out[k] = out[k - 1] * odds * (n - k + 1) / k;
}

/// rows[n][k]: probability that k of the size - n others adopt in a step when n are in use.
std::vector<std::vector<double>> jump_rows(const BirthChain& chain) {
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(chain.size) + 1);
  for (int n = 0; n <= chain.size; ++n) {
    auto& row = rows[static_cast<std::size_t>(n)];
    row.resize(static_cast<std::size_t>(chain.size - n) + 1);
    const double hazard = chain.p + chain.q * n / chain.n_listened;
    binomial_row(chain.size - n, fires_within(hazard, chain.step_years, chain.firing), row.data());
  }
  return rows;
}

/// Central moments 1 (the mean), 2 and 4 of the fraction in use.
struct FractionMoments {
  double mean = 0, second = 0, fourth = 0;
};
FractionMoments fraction_moments(const BirthChain& chain, int n_steps) {
  const std::vector<double> law = distribution_after(chain, n_steps);
  FractionMoments moments;
  for (int n = 0; n <= chain.size; ++n) moments.mean += law[static_cast<std::size_t>(n)] * n / chain.size;
  for (int n = 0; n <= chain.size; ++n) {
    const double squared = std::pow(static_cast<double>(n) / chain.size - moments.mean, 2);
    moments.second += law[static_cast<std::size_t>(n)] * squared;
    moments.fourth += law[static_cast<std::size_t>(n)] * squared * squared;
  }
  return moments;
}

constexpr std::size_t index(Stage stage) { return static_cast<std::size_t>(stage); }

StageShares step_shares(const StageChain& chain, const StageShares& shares) {
  const StageMatrix moves = step_matrix(chain, shares[index(Stage::in_use)]);
  StageShares next{};
  for (std::size_t from = 0; from < kNStages; ++from) {
    for (std::size_t to = 0; to < kNStages; ++to) next[to] += shares[from] * moves[from][to];
  }
  return next;
}

}  // namespace

Law indicator_law(double probability) { return {probability, probability * (1 - probability)}; }

double fires_within(double hazard, double step_years, Firing firing) {
  return firing == Firing::exponential ? -std::expm1(-hazard * step_years) : std::fmin(hazard * step_years, 1.0);
}

std::vector<double> distribution_after(const BirthChain& chain, int n_steps) {
  const auto rows = jump_rows(chain);
  const std::size_t n_states = rows.size();
  std::vector<double> law(n_states, 0.0), next(n_states);
  law[static_cast<std::size_t>(chain.in_use_at_start)] = 1;
  for (int step = 0; step < n_steps; ++step) {
    next.assign(n_states, 0.0);
    for (std::size_t n = 0; n < n_states; ++n) {
      if (law[n] == 0) continue;
      for (std::size_t k = 0; k < rows[n].size(); ++k) next[n + k] += law[n] * rows[n][k];
    }
    law.swap(next);
  }
  return law;
}

Law fraction_law(const BirthChain& chain, int n_steps) {
  const FractionMoments moments = fraction_moments(chain, n_steps);
  return {moments.mean, moments.second};
}

Law fraction_spread_law(const BirthChain& chain, int n_steps) {
  const FractionMoments moments = fraction_moments(chain, n_steps);
  return {moments.second, moments.fourth - moments.second * moments.second};
}

std::array<double, 4> completion_moments(const BirthChain& chain) {
  // Backwards from the full group: T(n) = dt + T(n + jump), moments by the binomial theorem, solved for the term jump = 0.
  constexpr std::array<std::array<double, 5>, 5> kBinomial{
      {{1, 0, 0, 0, 0}, {1, 1, 0, 0, 0}, {1, 2, 1, 0, 0}, {1, 3, 3, 1, 0}, {1, 4, 6, 4, 1}}};
  const auto rows = jump_rows(chain);
  std::vector<std::array<double, 5>> moment(rows.size(), {1, 0, 0, 0, 0});
  for (std::size_t n = rows.size() - 1; n-- > static_cast<std::size_t>(chain.in_use_at_start);) {
    for (std::size_t order = 1; order <= 4; ++order) {
      double known = 0;
      for (std::size_t k = 0; k < rows[n].size(); ++k) {
        for (std::size_t j = 0; j <= order; ++j) {
          if (k == 0 && j == order) continue;
          known += rows[n][k] * kBinomial[order][j] * moment[n + k][j] *
                   std::pow(chain.step_years, static_cast<double>(order - j));
        }
      }
      moment[n][order] = known / (1 - rows[n][0]);
    }
  }
  const auto& first = moment[static_cast<std::size_t>(chain.in_use_at_start)];
  return {first[1], first[2], first[3], first[4]};
}

StageMatrix step_matrix(const StageChain& chain, double exposure) {
  const auto fires = [&](double hazard) { return fires_within(hazard, chain.step_years, chain.firing); };
  StageMatrix moves{};
  const auto leave = [&](Stage from, Stage to, double probability) {
    moves[index(from)][index(to)] += probability;
    moves[index(from)][index(from)] -= probability;
  };
  for (std::size_t stage = 0; stage < kNStages; ++stage) moves[stage][stage] = 1;
  const double decides = fires(chain.p + chain.q * exposure);
  const double ends = fires(chain.finish);
  const Stage decided = chain.skipped.implementing ? Stage::in_use : Stage::implementing;
  if (chain.skipped.engaged) {
    leave(Stage::unaware, decided, decides);
  } else {
    leave(Stage::unaware, Stage::engaged, fires(chain.engage));
  }
  leave(Stage::engaged, decided, decides);
  leave(Stage::implementing, Stage::in_use, ends * chain.success);
  leave(Stage::implementing, Stage::engaged, ends * (1 - chain.success));
  leave(Stage::in_use, Stage::stopped, fires(chain.stop));
  leave(Stage::stopped, decided, chain.restarting == Restart::decides_again ? decides : fires(chain.restart));
  return moves;
}

StageShares shares_after(const StageChain& chain, StageShares start, int n_steps) {
  for (int step = 0; step < n_steps; ++step) start = step_shares(chain, start);
  return start;
}

StageShares share_noise_after(const StageChain& chain, StageShares start, int n_steps) {
  StageMatrix covariance{};
  for (int step = 0; step < n_steps; ++step) {
    // Jacobian by central differences: only the decision's hazard depends on the shares, so the map is nearly linear.
    StageMatrix jacobian{};  // [from][to]
    constexpr double kDifference = 1e-5;
    for (std::size_t from = 0; from < kNStages; ++from) {
      StageShares up = start, down = start;
      up[from] += kDifference;
      down[from] -= kDifference;
      const StageShares upper = step_shares(chain, up), lower = step_shares(chain, down);
      for (std::size_t to = 0; to < kNStages; ++to) jacobian[from][to] = (upper[to] - lower[to]) / (2 * kDifference);
    }
    StageMatrix carried{};
    for (std::size_t a = 0; a < kNStages; ++a) {
      for (std::size_t b = 0; b < kNStages; ++b) {
        for (std::size_t to = 0; to < kNStages; ++to) carried[a][to] += covariance[a][b] * jacobian[b][to];
      }
    }
    const StageMatrix moves = step_matrix(chain, start[index(Stage::in_use)]);
    StageMatrix next{};
    for (std::size_t a = 0; a < kNStages; ++a) {
      for (std::size_t to = 0; to < kNStages; ++to) {
        for (std::size_t onto = 0; onto < kNStages; ++onto) {
          next[to][onto] += jacobian[a][to] * carried[a][onto];
          // What a step adds: a multinomial law from each stage.
          const double same = to == onto ? moves[a][to] : 0.0;
          next[to][onto] += start[a] * (same - moves[a][to] * moves[a][onto]);
        }
      }
    }
    covariance = next;
    start = step_shares(chain, start);
  }
  StageShares noise{};
  for (std::size_t stage = 0; stage < kNStages; ++stage) noise[stage] = covariance[stage][stage];
  return noise;
}

double erlang_cdf(int shape, double mean, double time) {
  const double x = shape * time / mean;
  double term = 1, sum = 1;
  for (int k = 1; k < shape; ++k) sum += (term *= x / k);
  return 1 - std::exp(-x) * sum;
}

double survival(double age, double first_year, double later) {
  return std::exp(-first_year * std::fmin(age, 1.0) - later * std::fmax(age - 1.0, 0.0));
}

double stopped_and_restarted(double first_year, double later, double restart, double step_years, int n_steps) {
  double probability = 0;
  for (int stop = 1; stop < n_steps; ++stop) {
    const double stops_now =
        survival((stop - 1) * step_years, first_year, later) - survival(stop * step_years, first_year, later);
    probability += stops_now * -std::expm1(-restart * (n_steps - stop) * step_years);
  }
  return probability;
}

double continuous_limit(const std::function<double(int steps_per_year)>& law) {
  constexpr int kLevels = 6;
  std::array<double, kLevels> row{};
  for (int level = 0; level < kLevels; ++level) {
    double value = law(16 << level);
    // Neville's scheme: row[j] holds the value with errors up to order dt^j removed.
    for (int j = 0; j <= level; ++j) {
      const double coarser = row[static_cast<std::size_t>(j)];
      row[static_cast<std::size_t>(j)] = value;
      if (j < level) value += (value - coarser) / (std::exp2(j + 1) - 1);
    }
  }
  return row[kLevels - 1];
}

}  // namespace uptake
