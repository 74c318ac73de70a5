/// Strong and weak scaling of ensembles over threads and over MPI ranks: replicates a second, speed-up and efficiency, as
/// a table, CSV and JSON with the machine they were measured on. Values are compared between numbers of threads, results
/// between numbers of ranks, before anything is timed.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "busy.hpp"
#include "files/command.hpp"
#include "process.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/error.hpp"
#include "uptake/version.hpp"

namespace {

using namespace uptake;
using Json = nlohmann::ordered_json;

struct Job {
  std::string name;
  std::filesystem::path scenario;  ///< for ranks
  std::size_t n_replicates;        ///< of strong scaling, and of each thread in weak scaling
  std::function<std::vector<double>(std::size_t)> replicate;
};

/// Replicates of a scenario with its outcomes, as `uptake run` has them, without writing.
Job whole_model(const std::string& name, std::size_t n) {
  Scenario scenario = load_scenario(bench::kData / (name + ".toml"), {}, bench::kData);
  auto population = std::make_shared<const Population>(build_population(scenario, bench::kData));
  const auto model = make_model(std::move(scenario), std::move(population));
  auto layout = std::make_shared<const SummaryLayout>(make_layout(*model));
  return {name, bench::kData / (name + ".toml"), n, [model, layout](std::size_t r) {
            const Key key = make_key(model->scenario.seed, r);
            const Draw draw = draw_parameters(model->scenario, key);
            std::vector<double> out(layout->size);
            outcomes(*model, *layout, draw, key, simulate(model, draw, key), out);
            return out;
          }};
}

Job plain_process(std::size_t n) {
  const bench::Process process = bench::make_process({});
  return {"bass-on-network", bench::kData.parent_path() / "bench" / "bass-on-network.toml", n,
          [process](std::size_t r) {
            const auto rates = compile(process.model, 0, process.draw);
            World world = start(rates, draw_clocks(*process.model, process.draw, make_key(1, r)));
            advance(world, rates, rates->n_weeks);
            std::vector<double> weeks(process.model->n_records(), 0);
            for (const Event& event : world.history().events) weeks[event.record] = event.boundary;
            return weeks;
          }};
}

struct Measured {
  double wall = 0;  ///< seconds
  double cpu = 0;   ///< seconds of all threads
  std::uint64_t sum = 0;
};

/// @param who RUSAGE_SELF or RUSAGE_CHILDREN: programs that were started and have ended
double cpu_seconds(int who = RUSAGE_SELF) {
  rusage used{};
  getrusage(who, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Measured measure(const Job& job, std::size_t n, int n_threads) {
  Measured measured;
  Control control;
  control.n_threads = n_threads;
  const auto began = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  run_tasks(
      n, job.replicate,
      [&](std::size_t, std::vector<double>&& values) {
        for (const double value : values) {
          std::uint64_t bits = 0;
          std::memcpy(&bits, &value, sizeof bits);
          measured.sum = mix64(measured.sum ^ bits);
        }
      },
      control);
  measured.wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  measured.cpu = cpu_seconds() - cpu;
  return measured;
}

/// A run by ranks of one thread each, into `folder`. @return seconds of simulating, of the slowest rank
double run_ranked(const std::string& program, const Job& job, std::size_t n, int n_ranks,
                  const std::filesystem::path& folder) {
  const std::string command = fmt::format(
      "mpirun --oversubscribe -n {} {} run {} --replicates {} --threads 1 --overwrite --quiet -o {} >{} 2>&1", n_ranks,
      quoted(program), quoted(job.scenario.string()), n, quoted(folder.string()), quoted(folder.string() + ".log"));
  if (std::system(command.c_str()) != 0) throw FileError({folder.string() + ".log", "says why ranks failed", command});
  std::ifstream in(folder / "run.json");
  return Json::parse(in)["seconds"]["simulating"].get<double>();
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The cores that this process may use, and what others use of them.
class Neighbours {
 public:
  Neighbours() {
    CPU_ZERO(&mask_);
    known_ = sched_getaffinity(0, sizeof mask_, &mask_) == 0;
    begin_ = now();
  }
  /// Share of the cores that `wanted` workers would have had since this was made, that others had; NaN when unknown.
  [[nodiscard]] double taken(double wanted) const {
    if (!known_) return std::numeric_limits<double>::quiet_NaN();
    const Times end = now();
    const double others = (end.everybody - begin_.everybody) - (end.own - begin_.own);
    return bench::taken_by_others(wanted, std::max(0.0, others) / (end.wall - begin_.wall), CPU_COUNT(&mask_));
  }

 private:
  struct Times {
    double wall, own, everybody;
  };
  [[nodiscard]] Times now() const {
    std::ifstream in("/proc/stat");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto is_mine = [this](int core) { return core >= 0 && core < CPU_SETSIZE && CPU_ISSET(core, &mask_); };
    return {std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(),
            cpu_seconds() + cpu_seconds(RUSAGE_CHILDREN),
            bench::seconds_at_work(text, is_mine, static_cast<double>(sysconf(_SC_CLK_TCK)))};
  }
  cpu_set_t mask_{};
  bool known_ = false;
  Times begin_{};
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// 1, 2, 4, … and all that there are.
std::vector<int> thread_counts() {
  const int most = available_threads();
  std::set<int> counts{most};
  for (int n = 1; n < most; n *= 2) counts.insert(n);
  return {counts.begin(), counts.end()};
}

std::string first_line_after(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(": ");
    return colon == std::string::npos ? line : line.substr(colon + 2);
  }
  return "unknown";
}

Json machine() {
  utsname name{};
  uname(&name);
  std::array<double, 3> load{};
  const bool has_load = getloadavg(load.data(), 3) == 3;
  return {{"processor", first_line_after("/proc/cpuinfo", "model name")},
          {"threads_available", available_threads()},
          {"memory", first_line_after("/proc/meminfo", "MemTotal")},
          {"system", fmt::format("{} {} {}", name.sysname, name.release, name.machine)},
          {"compiler", fmt::format("g++ {}", __VERSION__)},
          {"native", UPTAKE_IS_NATIVE},
          {"uptake", std::string(version())},
          {"commit", std::string(git_id())},
          {"time", fmt::format("{:%FT%TZ}",
                               fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())))},
          {"load_average_at_the_start", has_load ? load[0] : -1}};
}

struct Row {
  std::string job, kind, over;  ///< over: threads or ranks
  int workers;
  std::size_t replicates;
  double wall, cpu_per_replicate, per_second, speed_up, efficiency;  ///< CPU is not known of ranks: NaN
  double taken;  ///< share of the cores wanted that other programs had; NaN when unknown
};

/// Time of n replicates by some workers.
using Timed = std::function<Measured(std::size_t n, int workers)>;

/// Rows of strong and of weak scaling.
void add_rows(const Job& job, const std::string& over, const std::vector<int>& workers, int repeats, const Timed& timed,
              std::vector<Row>& rows) {
  for (const bool strong : {true, false}) {
    const auto n_of = [&](std::size_t w) {
      return strong ? job.n_replicates
                    : std::max<std::size_t>(2, job.n_replicates / 2) * static_cast<std::size_t>(workers[w]);
    };
    std::vector<std::vector<double>> wall(workers.size()), cpu(workers.size()), taken(workers.size());
    // Numbers of workers take turns, so that a change of the machine's mood meets them all.
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (std::size_t w = 0; w < workers.size(); ++w) {
        const Neighbours neighbours;
        const Measured measured = timed(n_of(w), workers[w]);
        taken[w].push_back(neighbours.taken(workers[w]));
        wall[w].push_back(measured.wall);
        cpu[w].push_back(measured.cpu / static_cast<double>(n_of(w)));
      }
    }
    const double alone = median(wall[0]);
    for (std::size_t w = 0; w < workers.size(); ++w) {
      const double seconds = median(wall[w]);
      const double speed_up = strong ? alone / seconds : alone / seconds * workers[w];
      rows.push_back({job.name, strong ? "strong" : "weak", over, workers[w], n_of(w), seconds, median(cpu[w]),
                      static_cast<double>(n_of(w)) / seconds, speed_up, speed_up / workers[w], median(taken[w])});
    }
  }
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) throw FileError({file.string(), "cannot write", ""});
}

/// @param ranked program of the build for ranks; empty = threads alone
int run(const std::filesystem::path& folder, int repeats, double share, const std::set<std::string>& chosen,
        const std::string& ranked) {
  std::filesystem::create_directories(folder);
  const auto few = [&](std::size_t n) {
    return std::max<std::size_t>(4, static_cast<std::size_t>(share * static_cast<double>(n)));
  };
  const Json here = machine();
  std::vector<Row> rows;
  const std::vector<std::pair<std::string, std::function<Job()>>> all{
      {"care-homes", [&] { return whole_model("care-homes", few(64)); }},
      {"portfolio-2018-2023", [&] { return whole_model("portfolio-2018-2023", few(8)); }},
      {"bass-on-network", [&] { return plain_process(few(256)); }}};
  for (const std::string& name : chosen) {
    if (std::ranges::find(all, name, [](const auto& job) { return job.first; }) != all.end()) continue;
    std::vector<std::string> names;
    for (const auto& [known, make] : all) names.push_back(known);
    throw InputError({{name, "is no job", fmt::format("there are {}", fmt::join(names, ", "))}});
  }
  for (const auto& [name, make] : all) {
    if (!chosen.empty() && !chosen.contains(name)) continue;
    fmt::print(stderr, "{}: threads\n", name);  // minutes pass before the tables
    const Job job = make();
    const std::vector<int> threads = thread_counts();
    const Measured first = measure(job, few(16), 1);
    for (const int n : threads) {
      if (measure(job, few(16), n).sum != first.sum) {
        fmt::print(stderr, "{}: {} threads change the answer\n", job.name, n);
        return 1;
      }
    }
    add_rows(
        job, "threads", threads, repeats, [&](std::size_t n, int t) { return measure(job, n, t); }, rows);
    if (ranked.empty()) continue;
    fmt::print(stderr, "{}: ranks\n", name);
    const std::filesystem::path into = folder / ("ranks-" + job.name);
    std::string bytes;
    for (const int n : threads) {
      run_ranked(ranked, job, few(16), n, into);
      const std::string same = bytes_of(into / "results.h5");
      if (!bytes.empty() && bytes != same) {
        fmt::print(stderr, "{}: {} ranks change the answer\n", job.name, n);
        return 1;
      }
      bytes = same;
    }
    add_rows(
        job, "ranks", threads, repeats,
        [&](std::size_t n, int ranks) {
          return Measured{run_ranked(ranked, job, n, ranks, into), std::numeric_limits<double>::quiet_NaN(), 0};
        },
        rows);
    std::filesystem::remove_all(into);
    std::filesystem::remove(into.string() + ".log");
  }

  std::string text,
      csv =
          "job,scaling,over,workers,replicates,wall_s,cpu_ms_per_replicate,replicates_per_s,speed_up,efficiency,"
          "taken_by_others\n";
  Json list = Json::array();
  double most_taken = 0;
  for (const Row& row : rows) {
    const bool known = !std::isnan(row.cpu_per_replicate);
    const std::string cpu = known ? fmt::format("{:.3f}", 1000 * row.cpu_per_replicate) : "-";
    if (row.workers == 1) {
      text += fmt::format("\n{}, {} scaling over {} (medians of {})\n{:>8} {:>11} {:>9} {:>14} {:>13} {:>9} {:>11}\n",
                          row.job, row.kind, row.over, repeats, row.over, "replicates", "wall, s", "CPU ms/repl.",
                          "replicates/s", "speed-up", "efficiency");
    }
    text += fmt::format("{:>8} {:>11} {:>9.3f} {:>14} {:>13.1f} {:>9.2f} {:>10.0f} %\n", row.workers, row.replicates,
                        row.wall, cpu, row.per_second, row.speed_up, 100 * row.efficiency);
    const bool is_watched = !std::isnan(row.taken);
    if (is_watched) most_taken = std::max(most_taken, row.taken);
    csv += fmt::format("{},{},{},{},{},{:.6f},{},{:.6f},{:.6f},{:.6f},{}\n", row.job, row.kind, row.over, row.workers,
                       row.replicates, row.wall, cpu == "-" ? "" : cpu, row.per_second, row.speed_up, row.efficiency,
                       is_watched ? fmt::format("{:.3f}", row.taken) : "");
    list.push_back({{"job", row.job},
                    {"scaling", row.kind},
                    {"over", row.over},
                    {"workers", row.workers},
                    {"replicates", row.replicates},
                    {"wall_s", row.wall},
                    {"cpu_ms_per_replicate", known ? Json(1000 * row.cpu_per_replicate) : Json()},
                    {"replicates_per_s", row.per_second},
                    {"speed_up", row.speed_up},
                    {"efficiency", row.efficiency},
                    {"taken_by_others", is_watched ? Json(row.taken) : Json()}});
  }
  const bool is_busy = most_taken > bench::kBusy;
  if (is_busy)
    text = fmt::format(
               "warning: other programs had up to {:.0f} % of the cores that were wanted: these are speed-ups of a "
               "busy machine\n",
               100 * most_taken) +
           text;
  text = fmt::format("{}, {} threads, load {:.1f} at the start\n", here["processor"].get<std::string>(),
                     here["threads_available"].get<int>(), here["load_average_at_the_start"].get<double>()) +
         text;
  fmt::print("{}", text);
  write(folder / "scaling.txt", text);
  write(folder / "scaling.csv", csv);
  write(folder / "scaling.json",
        Json{{"schema", 2}, {"machine", here}, {"repeats", repeats}, {"busy", is_busy}, {"rows", list}}.dump(2) + "\n");
  return 0;
}

/// @throws InputError unless the whole text is a number from `least` to `most`
template <class Number>
Number number_of(std::string_view text, const char* what, Number least, Number most) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return number;
  throw InputError({{std::string(text), fmt::format("is no {} from {} to {}", what, least, most),
                     "usage: ./uptake bench scaling [REPETITIONS [SHARE [JOB ...]]]"}});
}

}  // namespace

/// scaling_bench [FOLDER [REPEATS [SHARE [JOB …]]]]: where the tables go, repetitions, the share of the usual work to do, and
/// which jobs; all of them when none is named. UPTAKE_RANKED in the environment is the program of the build for ranks.
int main(int argc, char** argv) {
  try {
    const char* ranked = std::getenv("UPTAKE_RANKED");
    return run(argc > 1 ? argv[1] : ".", argc > 2 ? number_of(argv[2], "number of repetitions", 1, 1000) : 5,
               argc > 3 ? number_of(argv[3], "share of the usual work", 0.001, 1000.0) : 1.0,
               {argv + std::min(argc, 4), argv + argc}, ranked != nullptr ? ranked : "");
  } catch (const InputError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
