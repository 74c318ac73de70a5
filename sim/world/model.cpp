#include "uptake/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

#include "population/regions.hpp"
#include "uptake/error.hpp"
#include "uptake/grouped.hpp"
#include "world/kernel.hpp"
#include "world/plan.hpp"
#include "world/shown.hpp"

namespace uptake {

namespace {

constexpr std::uint32_t kNotEligible = 0xffffffffU;

/// An owner group counts as large from this many organisations on. [A]
constexpr int kLargeGroup = 25;

void add_covariates(const Population& population, ProgrammeModel& programme) {
  const std::size_t n = programme.n_records();
  programme.size_z.assign(n, 0.0F);
  programme.chain.assign(n, 0.0F);
  programme.teaching.assign(n, 0.0F);
  programme.deprivation.assign(n, 0.0F);
  std::vector<int> owned(static_cast<std::size_t>(population.ownership.n_groups), 0);
  for (const auto group : population.ownership.group_of) {
    if (group >= 0) owned[static_cast<std::size_t>(group)] += 1;
  }
  struct Sizes {
    double sum = 0, squares = 0, count = 0;
  };
  std::array<Sizes, kNOrganisationTypes> sizes{};
  for (const auto organisation : programme.organisation) {
    const double size = population.size[organisation];
    if (std::isnan(size)) continue;
    Sizes& own = sizes[static_cast<std::size_t>(population.type[organisation])];
    own.sum += size;
    own.squares += size * size;
    own.count += 1;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const auto organisation = programme.organisation[i];
    const OrganisationType type = population.type[organisation];
    const Sizes& all = sizes[static_cast<std::size_t>(type)];
    if (const double size = population.size[organisation]; !std::isnan(size) && all.count >= 2) {
      const double mean = all.sum / all.count;
      // Per 100 beds for trusts, per standard deviation for practices and homes; units have no size term,
      // nor have boards, whose size is in patients.
      const double scale = type == OrganisationType::maternity_unit || type == OrganisationType::care_board ? 0.0
                           : adopter_class(type) == AdopterClass::trust
                               ? 100.0
                               : std::sqrt(std::max(0.0, all.squares / all.count - mean * mean));
      if (scale > 0) programme.size_z.set(i, static_cast<float>((size - mean) / scale));
    }
    const auto group = population.ownership.group_of.empty() ? -1 : population.ownership.group_of[organisation];
    programme.chain.set(i, group >= 0 && owned[static_cast<std::size_t>(group)] >= kLargeGroup ? 1.0F : 0.0F);
    programme.teaching.set(i, static_cast<float>(population.teaching[organisation]));
    const int quintile = population.quintile[organisation];
    programme.deprivation.set(i, quintile == 0 ? 0.0F : static_cast<float>(3 - quintile));
  }
}

/// Weights of one receiver as integers that sum to 2^16 exactly: floors, then the largest remainders.
void quantise(std::vector<std::pair<std::uint32_t, double>>& ties, std::vector<std::uint32_t>& weights) {
  const double total =
      std::accumulate(ties.begin(), ties.end(), 0.0, [](double sum, const auto& tie) { return sum + tie.second; });
  weights.assign(ties.size(), 0);
  std::vector<std::pair<double, std::size_t>> remainder(ties.size());
  std::uint32_t given = 0;
  for (std::size_t k = 0; k < ties.size(); ++k) {
    const double exact = ties[k].second / total * kFullExposure;
    weights[k] = static_cast<std::uint32_t>(exact);
    given += weights[k];
    remainder[k] = {weights[k] - exact, k};  // most negative first
  }
  const std::size_t missing = std::min<std::size_t>(kFullExposure - std::min(given, kFullExposure), ties.size());
  std::ranges::nth_element(remainder, remainder.begin() + static_cast<std::ptrdiff_t>(missing));
  for (std::size_t k = 0; k < missing; ++k) weights[remainder[k].second] += 1;
}

/// Ties among eligible records of one edge layer, turned from receiver-major to source-major.
void add_edges(const Population& population, Layer layer, const std::vector<std::uint32_t>& record_of,
               ProgrammeModel& programme, Pushes& pushes, std::vector<std::uint8_t>& mask) {
  const std::size_t n = programme.n_records();
  pushes.offsets.assign(n + 1, 0);
  // By receiver first; they are the largest thing there is, so nothing is kept that could be kept smaller.
  struct Kept {
    std::uint32_t source, weight;
  };
  std::vector<Kept> kept;
  kept.reserve(n_ties(population, layer));
  std::vector<std::uint32_t> end_of(n, 0), at(n + 1, 0);
  std::vector<std::pair<std::uint32_t, double>> heard;
  std::vector<std::uint32_t> weights;
  hear(population, layer, [&](std::size_t organisation, std::span<const Heard> ties) {
    const auto record = record_of[organisation];
    if (record == kNotEligible) return;
    heard.clear();
    for (const Heard& tie : ties) {
      const auto source = record_of[tie.source];
      if (source != kNotEligible && tie.weight > 0) heard.emplace_back(source, tie.weight);
    }
    if (!heard.empty()) {
      mask[record] |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(layer));
      quantise(heard, weights);
      for (std::size_t k = 0; k < heard.size(); ++k) {
        if (weights[k] == 0) continue;
        kept.push_back({heard[k].first, weights[k]});
        at[heard[k].first + 1] += 1;
      }
    }
    end_of[record] = static_cast<std::uint32_t>(kept.size());
  });
  if (kept.empty()) return;
  pushes.longest = std::ranges::max(at);
  std::partial_sum(at.begin(), at.end(), at.begin());
  pushes.offsets = at;
  const bool narrow = n <= 0x10000;
  const std::size_t room = kept.size() + Pushes::kBeyond;
  narrow ? pushes.narrow.resize(room) : pushes.wide.resize(room);
  std::size_t tie = 0;
  for (std::uint32_t receiver = 0; receiver < n; ++receiver) {
    for (; tie < end_of[receiver]; ++tie) {
      const std::uint32_t place = at[kept[tie].source]++;
      if (narrow) {
        pushes.narrow[place] = {static_cast<std::uint16_t>(receiver), static_cast<std::uint16_t>(kept[tie].weight - 1)};
      } else {
        pushes.wide[place] = {receiver, kept[tie].weight};
      }
    }
  }
}

void add_group(const Groups& groups, ProgrammeModel& programme, std::size_t layer, std::vector<std::uint8_t>& mask) {
  GroupLayer& out = programme.groups[layer];
  const std::size_t n = programme.n_records();
  out.group_of.assign(n, -1);
  out.n_members.assign(static_cast<std::size_t>(groups.n_groups), 0);
  if (groups.n_groups == 0) return;
  for (const auto organisation : programme.organisation) {
    if (const auto group = groups.group_of[organisation]; group >= 0)
      out.n_members[static_cast<std::size_t>(group)] += 1;
  }
  for (std::size_t record = 0; record < n; ++record) {
    const auto group = groups.group_of[programme.organisation[record]];
    if (group < 0 || out.n_members[static_cast<std::size_t>(group)] < 2) continue;  // alone: no tie
    out.group_of.set(record, group);
    mask[record] |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(kGroupLayers[layer]));
  }
}

/// Pairs (group, class): the kernel keeps one exposure integral for each.
void add_pairs(ProgrammeModel& programme) {
  const std::size_t n = programme.n_records();
  for (std::size_t g = 0; g < programme.groups.size(); ++g) {
    GroupLayer& layer = programme.groups[g];
    std::vector<std::vector<std::uint16_t>> classes(layer.n_members.size());
    for (std::size_t record = 0; record < n; ++record) {
      if (layer.group_of[record] < 0) continue;
      auto& seen = classes[static_cast<std::size_t>(layer.group_of[record])];
      const auto own = programme.class_of[record];
      if (std::ranges::find(seen, own) == seen.end()) seen.push_back(own);
    }
    layer.pair_class = {0};
    layer.pair_group = {0};
    layer.pair_offsets = {1};
    for (std::size_t group = 0; group < classes.size(); ++group) {
      std::ranges::sort(classes[group]);
      layer.pair_class.insert(layer.pair_class.end(), classes[group].begin(), classes[group].end());
      layer.pair_group.resize(layer.pair_class.size(), static_cast<std::uint32_t>(group));
      layer.pair_offsets.push_back(static_cast<std::uint32_t>(layer.pair_class.size()));
    }
    layer.member_offsets.assign(layer.pair_class.size() + 1, 0);
    if (layer.pair_class.size() == 1) continue;
    programme.pairs.resize(n);
    for (std::size_t record = 0; record < n; ++record) {
      if (layer.group_of[record] < 0) continue;
      auto pair = layer.pair_offsets[static_cast<std::size_t>(layer.group_of[record])];
      while (layer.pair_class[pair] != programme.class_of[record]) ++pair;
      programme.pairs[record][g] = pair;
      layer.member_offsets[pair + 1] += 1;
    }
    std::partial_sum(layer.member_offsets.begin(), layer.member_offsets.end(), layer.member_offsets.begin());
    layer.members.resize(layer.member_offsets.back());
    std::vector<std::uint32_t> at(layer.member_offsets.begin(), layer.member_offsets.end() - 1);
    for (std::uint32_t record = 0; record < n; ++record) {
      if (const auto pair = programme.pairs[record][g]; pair > 0) layer.members[at[pair]++] = record;
    }
  }
}

ProgrammeModel make_records(const ProgrammeSpec& spec, const Population& population, std::vector<std::uint8_t>& mask) {
  ProgrammeModel programme;
  programme.identity = programme_identity(spec.name);
  programme.class_identity = programme_identity(spec.classification.empty() ? spec.name : spec.classification);
  std::vector<std::uint32_t> record_of(population.n_organisations(), kNotEligible);
  std::vector<std::uint64_t> identities;
  for (std::uint32_t i = 0; i < population.n_organisations(); ++i) {
    if (std::ranges::find(spec.eligible, population.type[i]) == spec.eligible.end()) continue;
    record_of[i] = static_cast<std::uint32_t>(programme.organisation.size());
    programme.organisation.push_back(i);
    identities.push_back(population.identity[i]);
    programme.region.push_back(static_cast<std::uint8_t>(population.region_of(i)));
  }
  const auto n = programme.n_records();
  if (n == 0) return programme;
  if (n < population.n_organisations()) {
    programme.eligible_identity = std::make_shared<const std::vector<std::uint64_t>>(std::move(identities));
    programme.organisation_identity = *programme.eligible_identity;
  } else {
    programme.organisation_identity = population.identity;
  }
  programme.mean_delivered =
      spec.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value / static_cast<double>(n);
  add_covariates(population, programme);
  mask.assign(n, 0);
  for (std::size_t l = 0; l < kEdgeLayers.size(); ++l)
    add_edges(population, kEdgeLayers[l], record_of, programme, programme.edges[l], mask);
  add_group(population.community, programme, 0, mask);
  add_group(population.ownership, programme, 1, mask);
  return programme;
}

std::size_t n_eligible(const ProgrammeSpec& programme, const Population& who) {
  return static_cast<std::size_t>(std::ranges::count_if(who.type, [&](OrganisationType type) {
    return std::ranges::find(programme.eligible, type) != programme.eligible.end();
  }));
}

/// Types that a programme is open to, and those that there are.
std::string who_would_be(const ProgrammeSpec& programme, const Population& who) {
  std::string open_to, here;
  const auto list = [](std::string& text, std::size_t type) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", kOrganisationTypeNames[type]);
  };
  for (const OrganisationType type : programme.eligible) list(open_to, static_cast<std::size_t>(type));
  for (std::size_t type = 0; type < kOrganisationTypeNames.size(); ++type)
    if (std::ranges::find(who.type, static_cast<OrganisationType>(type)) != who.type.end()) list(here, type);
  return fmt::format("it is open to {}, and here are {}", open_to, here.empty() ? "none at all" : here);
}

/// A total and its prior, in proportion.
void scale(Setting& total, double by) {
  total.value *= by;
  Prior& prior = total.prior;
  prior.a *= by;
  if (prior.family != Family::lognormal) prior.b *= by;  // there it is of the logarithm
}

/// Totals of England's organisations that the file of a shipped programme states are taken in proportion to those that
/// there are.
void take_part_of_england(ProgrammeSpec& programme, std::size_t n) {
  if (!programme.of_england || n == 0) return;
  const double all = programme.of_england->n_organisations;
  for (const Parameter id : programme.of_england->totals) {
    Setting& total = programme.settings[static_cast<std::size_t>(id)];
    scale(total, static_cast<double>(n) / all);
    if (total.grade == Grade::read) total.grade = Grade::derived;
    total.source += fmt::format("{}for {} of the {} organisations of England", total.source.empty() ? "" : "; ",
                                grouped(n), grouped(all));
  }
  programme.of_england->totals.clear();  // taken
}

/// An order is served in packages, which alone change what effort does: says so where no strategy shows how much.
void warn_of_orders(const Scenario& scenario, std::vector<Problem>& warnings) {
  const auto is_in_order = [](const Lever& lever) {
    return lever.kind == LeverKind::facilitation && lever.package_days && lever.targeting &&
           *lever.targeting != Targeting::even && *lever.targeting != Targeting::by_size;
  };
  const auto is_twin = [](const Lever& of, const Lever& lever) {
    return lever.kind == of.kind && lever.package_days == of.package_days && lever.package_weeks == of.package_weeks &&
           lever.targeting.value_or(Targeting::even) == Targeting::even;
  };
  for (const Strategy& strategy : scenario.strategies) {
    for (const Lever& lever : strategy.levers) {
      if (!is_in_order(lever)) continue;
      const bool has_twin = std::ranges::any_of(scenario.strategies, [&](const Strategy& other) {
        return std::ranges::any_of(other.levers, [&](const Lever& one) { return is_twin(lever, one); });
      });
      if (has_twin) continue;
      warnings.push_back({lever.where,
                          fmt::format("\"{}\" serves one organisation after another, in packages, and packages alone "
                                      "change what effort does: beside a strategy without them it does not show what "
                                      "its order does",
                                      strategy.name),
                          "add a strategy with the same lever and targeting = \"even\", and compare with that one"});
    }
  }
}

/// Says what organisations stand for that are far fewer or more than those of which the figures of a programme are.
void warn_of_scale(const Scenario& scenario, const ProgrammeSpec& programme, std::size_t n,
                   std::vector<Problem>& warnings) {
  if (n == 0 || scenario.population == "england") return;
  const std::string here = plural(n, "organisation");
  const auto times = [n](double all) { return all / static_cast<double>(n); };
  if (programme.of_england && is_far(times(programme.of_england->n_organisations))) {
    std::string totals;
    for (const Parameter id : programme.of_england->totals)
      totals += fmt::format("{}{}", totals.empty() ? "" : ", ", spec(id).key);
    warnings.push_back(
        {scenario.file.string(),
         fmt::format("the results of {} are of the {} of this population that it is open to: {}its "
                     "published counts of England are left out",
                     programme.name, here,
                     totals.empty() ? ""
                                    : fmt::format("what its file states of the {} of England ({}) is taken in "
                                                  "proportion, and ",
                                                  grouped(programme.of_england->n_organisations), totals)),
         totals.empty() ? ""
                        : fmt::format("state your own, e.g. with --set {}.{}=…", programme.name,
                                      spec(programme.of_england->totals.back()).key)});
  } else if (programme.historic_denominator && is_far(times(*programme.historic_denominator))) {
    const double each = times(*programme.historic_denominator);
    warnings.push_back(
        {scenario.file.string(),
         fmt::format("the {} of this population that {} is open to stand{} for {} in its results: each "
                     "counts {} times, by the programme's historic_denominator",
                     here, programme.name, n == 1 ? "s" : "", grouped(*programme.historic_denominator),
                     each < 100 ? fmt::format("{:.3g}", each) : grouped(each)),
         "state the number that could adopt among these in the programme's file, or leave it out there"});
  }
}

std::vector<Problem> each_once(std::vector<Problem>&& all) {
  std::vector<Problem> once;
  for (Problem& problem : all) {
    const auto same = [&](const Problem& other) { return other.text() == problem.text(); };
    if (std::ranges::none_of(once, same)) once.push_back(std::move(problem));
  }
  return once;
}

/// Regions that every strategy treats alike share one row of week factors.
void compress_regions(Model& model, int j) {
  ProgrammeModel& programme = model.programmes[static_cast<std::size_t>(j)];
  const std::size_t n_regions = model.population->regions.size();
  programme.region_class.assign(n_regions, 0);
  std::vector<std::size_t> kept;
  for (std::size_t r = 0; r < n_regions; ++r) {
    const auto at = std::ranges::find_if(kept, [&](std::size_t k) {
      return std::ranges::all_of(model.strategies, [&](const StrategyPlan& strategy) {
        const auto& classes = strategy.programmes[static_cast<std::size_t>(j)].classes;
        return classes[k] == classes[r];
      });
    });
    programme.region_class[r] = static_cast<std::uint8_t>(at - kept.begin());
    if (at == kept.end()) kept.push_back(r);
  }
  for (StrategyPlan& strategy : model.strategies) {
    auto& classes = strategy.programmes[static_cast<std::size_t>(j)].classes;
    std::vector<ProgrammePlan::WeekFactors> rows;
    for (const std::size_t k : kept) rows.push_back(std::move(classes[k]));
    classes = std::move(rows);
  }
}

void classify(ProgrammeModel& programme, const std::vector<std::uint8_t>& mask) {
  std::map<std::pair<std::uint8_t, std::uint8_t>, std::uint16_t> known;
  for (std::size_t record = 0; record < programme.n_records(); ++record) {
    const std::pair key{programme.region_class[programme.region[record]], mask[record]};
    const auto [at, is_new] = known.try_emplace(key, static_cast<std::uint16_t>(programme.classes.size()));
    if (is_new) programme.classes.push_back({key.first, key.second});
    programme.class_of.push_back(at->second);
  }
}

void check_identities(const Scenario& scenario, const Population& population, std::vector<Problem>& problems) {
  // Sorted first: a map of ten million takes seconds and more memory than the population.
  std::vector<std::uint64_t> sorted = population.identity;
  std::ranges::sort(sorted);
  const bool unique = std::ranges::adjacent_find(sorted) == sorted.end();
  sorted = {};
  std::unordered_map<std::uint64_t, std::size_t> organisations;
  for (std::size_t i = 0; !unique && i < population.n_organisations(); ++i) {
    const auto [at, is_new] = organisations.try_emplace(population.identity[i], i);
    if (!is_new) {
      problems.push_back({population.name,
                          fmt::format(R"(organisations "{}" and "{}" have the same identity)",
                                      population.code[at->second], population.code[i]),
                          "give one of them another code"});
    }
  }
  std::unordered_map<std::uint32_t, std::string> programmes;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const auto [at, is_new] = programmes.try_emplace(programme_identity(programme.name), programme.name);
    if (!is_new) {
      problems.push_back({scenario.file.string(),
                          fmt::format(R"(programmes "{}" and "{}" have the same identity)", at->second, programme.name),
                          "rename one of them"});
    }
  }
}

/// When a programme begins and is withdrawn, and who is in use first.
void add_life(const Scenario& scenario, const ProgrammeSpec& spec, const Population& population,
              ProgrammeModel& programme) {
  const int end = scenario.calendar.n_weeks;
  const auto boundary = [&](Date day) { return std::max(0, scenario.calendar.nearest_boundary(day)); };
  if (spec.available_from) {
    programme.begins = boundary(*spec.available_from);
    if (programme.begins > end) programme.begins = kNoWeek;
  }
  if (spec.withdrawn) {
    programme.withdrawn = boundary(*spec.withdrawn);
    if (programme.withdrawn >= end) programme.withdrawn = kNoWeek;
  }
  const Setting& share = spec.settings[static_cast<std::size_t>(Parameter::start_in_use)];
  if (share.value > 0 || !(share.prior == Prior{})) programme.start_order = make_start_order(population, programme);
}

/// Every name of a region that levers and programmes state, resolved or reported.
void check_regions(const Scenario& scenario, const Population& population, std::vector<Problem>& problems) {
  const auto check = [&](const std::string& name, const std::string& where) {
    const auto found = find_region(population.regions, name);
    if (!found)
      problems.push_back({where, fmt::format(R"(no region is called "{}" in this population)", name),
                          known_regions(population.regions, name)});
    return found;
  };
  const auto check_levers = [&](const std::vector<Lever>& levers) {
    for (const Lever& lever : levers) {
      std::vector<std::size_t> seen;
      for (const std::string& name : lever.regions) {
        const auto region = check(name, lever.where);
        if (!region) continue;
        if (std::ranges::count(seen, *region) > 0) {
          problems.push_back(
              {lever.where, fmt::format("a lever names {} twice", population.regions[*region].name), ""});
        }
        seen.push_back(*region);
      }
    }
  };
  check_levers(scenario.levers);
  for (const Strategy& strategy : scenario.strategies) check_levers(strategy.levers);
  for (const ProgrammeSpec& programme : scenario.programmes) {
    std::vector<std::size_t> begun, stated;
    const auto once = [&](std::vector<std::size_t>& seen, const std::string& name, const std::string& where,
                          std::string_view what) {
      const auto region = check(name, where);
      if (!region) return;
      if (std::ranges::count(seen, *region) > 0) {
        problems.push_back(
            {where, fmt::format("{} of {} name {} twice", what, programme.name, population.regions[*region].name), ""});
      }
      seen.push_back(*region);
    };
    for (const Tranche& tranche : programme.tranches) {
      for (const std::string& name : tranche.regions) once(begun, name, programme.name, "the tranches");
    }
    double sum = 0;
    for (const RegionShare& share : programme.delivered_by_region) {
      once(stated, share.region, share.where, "the shares delivered by region");
      sum += share.share;
    }
    if (sum > 1 + 1e-9) {
      problems.push_back({programme.name, fmt::format("the shares delivered by region add up to {:.6g}", sum),
                          "they must be at most 1"});
    } else if (stated.size() == population.regions.size() && sum < 1 - 1e-9) {
      problems.push_back({programme.name,
                          fmt::format("the shares delivered by region add up to {:.6g} and name every region", sum),
                          "leave out the regions that share the rest, or let them add up to 1"});
    }
  }
}

}  // namespace

std::shared_ptr<const Model> make_model(Scenario scenario, std::shared_ptr<const Population> population) {
  auto model = std::make_shared<Model>();
  model->scenario = std::move(scenario);
  model->population = std::move(population);
  const Scenario& asked = model->scenario;
  const Population& who = *model->population;
  std::vector<Problem> problems;
  check_identities(asked, who, problems);
  resolve_shown(model->scenario, who, problems);
  check_regions(asked, who, problems);
  UPTAKE_EXPECTS(asked.mode != ParameterMode::posterior || asked.posterior);
  UPTAKE_EXPECTS(asked.programmes.size() < 256);  // kept and counted in 8 bits
  if (asked.calendar.n_weeks < 1 || asked.calendar.n_weeks > kMostSteps) {
    problems.push_back(
        {asked.file.string(),
         fmt::format("a horizon of {} weeks is outside 1 to {}", grouped(asked.calendar.n_weeks), grouped(kMostSteps)),
         ""});
    throw InputError(std::move(problems));
  }

  std::vector<Problem> warnings;
  warn_of_orders(asked, warnings);
  model->first_record = {0};
  std::vector<std::vector<std::uint8_t>> masks(asked.programmes.size());
  for (std::size_t j = 0; j < asked.programmes.size(); ++j) {
    const std::size_t n = n_eligible(asked.programmes[j], who);
    warn_of_scale(asked, asked.programmes[j], n, warnings);
    take_part_of_england(model->scenario.programmes[j], n);
    auto& programme = model->programmes.emplace_back(make_records(asked.programmes[j], who, masks[j]));
    if (programme.n_records() == 0) {
      problems.push_back({asked.file.string(),
                          fmt::format("nobody in {} is eligible for {}", who.name, asked.programmes[j].name),
                          who_would_be(asked.programmes[j], who)});
    }
    add_life(asked, asked.programmes[j], who, programme);
    model->first_record.push_back(model->first_record.back() + static_cast<std::uint32_t>(programme.n_records()));
    for (std::size_t i = 0; i < programme.n_records(); ++i) model->programme_of.push_back(static_cast<std::uint8_t>(j));
  }

  for (const Strategy& strategy : asked.strategies) {
    StrategyPlan& plan = model->strategies.emplace_back();
    plan.name = strategy.name;
    for (int j = 0; j < model->n_programmes(); ++j) {
      const ProgrammeModel& programme = model->programmes[static_cast<std::size_t>(j)];
      if (programme.n_records() == 0) continue;  // reported above
      plan.programmes.push_back(make_plan(asked, who, j, programme, strategy, problems, warnings));
    }
  }
  // Several programmes and strategies meet the same mistake of a lever: it is said once.
  if (!problems.empty()) throw InputError(each_once(std::move(problems)));
  model->warnings = each_once(std::move(warnings));
  for (int j = 0; j < model->n_programmes(); ++j) {
    compress_regions(*model, j);
    auto& programme = model->programmes[static_cast<std::size_t>(j)];
    classify(programme, masks[static_cast<std::size_t>(j)]);
    add_pairs(programme);
  }

  if (!asked.attention || model->n_programmes() < 2) return model;
  model->organisation_offsets.assign(who.n_organisations() + 1, 0);
  for (const auto& programme : model->programmes) {
    for (const auto organisation : programme.organisation) model->organisation_offsets[organisation + 1] += 1;
  }
  std::partial_sum(model->organisation_offsets.begin(), model->organisation_offsets.end(),
                   model->organisation_offsets.begin());
  model->organisation_records.resize(model->n_records());
  std::vector<std::uint32_t> at(model->organisation_offsets.begin(), model->organisation_offsets.end() - 1);
  for (std::size_t j = 0; j < model->programmes.size(); ++j) {
    for (std::uint32_t record = 0; record < model->programmes[j].n_records(); ++record) {
      model->organisation_records[at[model->programmes[j].organisation[record]]++] = model->first_record[j] + record;
    }
  }
  return model;
}

}  // namespace uptake
