/// A posterior made by hand: two parameters of one programme, as a calibration would leave them.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "calibration/posterior_file.hpp"
#include "uptake/random.hpp"

namespace uptake {

struct MadeUpPosterior {
  HistoricRecord record;
  std::vector<ProgrammeFit> fits;
  PosteriorRecord posterior;
};

struct MadeUpFit {
  std::size_t n_draws = 200;
  double log_p = std::log(0.6), sd_log_p = 0.2;  ///< of bass.p, which the record informs
  double log_q = std::log(0.35);                 ///< of bass.q, which stays where its prior is
};

inline ProgrammeFit made_up_fit(const std::string& programme, const MadeUpFit& made) {
  ProgrammeFit fit;
  fit.programme = programme;
  const ParameterSpec &p = spec(Parameter::p), &q = spec(Parameter::q);
  fit.parameters = {{std::string(p.key), std::string(p.unit), {Family::lognormal, 1.3, 0.7}, p.lowest, p.highest},
                    {std::string(q.key), std::string(q.unit), {Family::lognormal, 0.35, 0.5}, q.lowest, q.highest}};
  fit.draws = {made.n_draws, 2, {}, std::vector<double>(made.n_draws, 1 / static_cast<double>(made.n_draws))};
  for (std::size_t i = 0; i < made.n_draws; ++i) {
    const Key key = make_key(identity_of(programme), i);
    fit.draws.values.push_back(made.log_p + made.sd_log_p * normal_number(key, 0));
    fit.draws.values.push_back(made.log_q + 0.5 * normal_number(key, 1));
  }
  fit.contraction = {1 - made.sd_log_p * made.sd_log_p / 0.49, 0.01};
  fit.correlation = {1, -0.25, -0.25, 1};
  fit.n_simulations = 100'000;
  fit.n_fitted = 1;
  fit.seconds = 12.5;  // never in the file
  fit.generations = {{1, 2.5, 0.5, 1, 3, 6000, {}, {}}, {2, 1.25, 0.25, 1, 5, 12'000, {}, {}}};
  fit.diagnostics.effective_size = 1400;
  fit.diagnostics.raw_to_adjusted = {1.5, 1.1};
  fit.diagnostics.adjustment = {Adjustment::local_linear, Adjustment::heteroscedastic};
  fit.diagnostics.series = {{"in use, 2021", 40, 0.5, 30, 38, 47, 0.6, 0.8}};
  fit.warnings = {"a warning – verbatim"};
  ObservedPoint point;
  point.value = 40;
  point.date = "2021-03";
  ObservedSeries& series = fit.series.emplace_back();
  series.measure = "adopters";
  series.region = "England";
  series.unit = "homes";
  fit.points = {{{0, point}, 40, 30, 35, 38, 42, 47, 0.6, true}};
  return fit;
}

/// One fit for each programme.
inline MadeUpPosterior made_up_posterior(const std::vector<std::string>& programmes, const MadeUpFit& made = {}) {
  MadeUpPosterior all;
  all.record.title = "A made-up record, “quoted” in UTF-8";
  all.record.digest = "0123456789abcdef";
  for (const std::string& name : programmes) {
    HistoricProgramme& historic = all.record.programmes.emplace_back();
    historic.record = name + " as recorded";
    historic.spec = ProgrammeSpec::with_table_defaults(name, OrganisationType::care_home);
    all.fits.push_back(made_up_fit(name, made));
  }
  all.posterior.command = "uptake calibrate made-up.toml --seed 18446744073709551615";
  all.posterior.seed = 18446744073709551615ULL;
  return all;
}

/// Points into what it is given, which must outlive it.
inline const PosteriorRecord& wired(MadeUpPosterior& all) {
  all.posterior.record = &all.record;
  all.posterior.fits = all.fits;
  return all.posterior;
}

/// A hierarchy whose draws are all the same: mean `mu`, spread `tau`, and what every covariate adds.
inline Pooled made_up_pooled(std::size_t n, double mu, double tau, double slope) {
  Pooled pooled;
  pooled.model.parameters = {"log p", "log q", "logit susceptible_share", "logit phi", "log tau", "log mu1", "log mu2"};
  const std::size_t k = pooled.model.parameters.size(), c = covariate_names().size();
  pooled.model.mean.assign(k, 0);
  pooled.model.sd.assign(k, 2);
  pooled.model.spread.assign(k, 0.5);
  pooled.model.n_covariates = c;
  pooled.n = n;
  pooled.mu.assign(n * k, mu);
  pooled.tau.assign(n * k, tau);
  pooled.slopes.assign(n * k * c, slope);
  pooled.largest_r_hat = 1.01;
  return pooled;
}

}  // namespace uptake
