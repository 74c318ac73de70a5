#include "calibration/abc_state.hpp"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "files/file.hpp"

namespace uptake {

static_assert(std::endian::native == std::endian::little, "checkpoints are written by little-endian machines only");

namespace {
constexpr std::uint64_t kMagic = 0x6264696c61637075ULL;  // "upcalidb" in bytes
constexpr std::uint64_t kFormat = 1;

/// Words of 8 bytes, one after the other.
class Writer {
 public:
  void word(std::uint64_t value) {
    bytes_.resize(bytes_.size() + sizeof value);
    std::memcpy(bytes_.data() + bytes_.size() - sizeof value, &value, sizeof value);
  }
  void number(double value) { word(std::bit_cast<std::uint64_t>(value)); }
  void numbers(std::span<const double> values) {
    word(values.size());
    for (const double value : values) number(value);
  }
  [[nodiscard]] std::vector<char>& bytes() { return bytes_; }

 private:
  std::vector<char> bytes_;
};

/// @pre the checksum held, so that sizes are those that were written
class Reader {
 public:
  explicit Reader(std::span<const char> bytes) : bytes_(bytes) {}
  std::uint64_t word() {
    std::uint64_t value = 0;
    UPTAKE_EXPECTS(bytes_.size() - at_ >= 8);
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  double number() { return std::bit_cast<double>(word()); }
  std::vector<double> numbers() {
    std::vector<double> values(word());
    for (double& value : values) value = number();
    return values;
  }

 private:
  std::span<const char> bytes_;
  std::size_t at_ = 0;
};

std::uint64_t checksum(std::span<const char> bytes) { return identity_of({bytes.data(), bytes.size()}); }
}  // namespace

void save_checkpoint(const std::filesystem::path& path, std::uint64_t identity, const AbcState& state) {
  Writer out;
  out.word(kMagic);
  out.word(kFormat);
  out.word(identity);
  out.word(state.n_simulations);
  out.word(state.n_attempted);
  out.word(state.n_failed);
  out.word(state.finished ? 1 : 0);
  out.number(state.step);
  for (const auto* values :
       {&state.parameters, &state.summaries, &state.distances, &state.scales, &state.prior_variances}) {
    out.numbers(*values);
  }
  out.word(state.generations.size());
  for (const Generation& generation : state.generations) {
    out.word(static_cast<std::uint64_t>(generation.number));
    out.word(static_cast<std::uint64_t>(generation.n_sweeps));
    out.word(generation.n_simulations);
    out.number(generation.tolerance);
    out.number(generation.acceptance);
    out.number(generation.step);
    out.numbers(generation.means);
    out.numbers(generation.sds);
  }
  out.word(checksum(out.bytes()));
  replace_file(path, out.bytes());
}

std::string read_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (error) throw file_error(path, "cannot read", error.value());
    return {};
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw file_error(path, "cannot read", errno);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  // Empty bytes mean that there is no file.
  if (bytes.empty()) bytes.resize(1);
  return bytes;
}

std::optional<AbcState> parse_checkpoint(const std::filesystem::path& path, const std::string& bytes,
                                         std::uint64_t identity) {
  if (bytes.empty()) return std::nullopt;
  const auto refuse = [&](std::string what) {
    return FileError({path.string(), std::move(what), "delete it to begin again, or name another checkpoint"});
  };
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (bytes.size() < 4 * kWord) throw refuse("is no checkpoint of a calibration");
  Reader header(bytes);
  if (header.word() != kMagic) throw refuse("is no checkpoint of a calibration");
  if (const std::uint64_t format = header.word(); format != kFormat) {
    throw refuse(fmt::format("has checkpoint format {}, this program writes {}", format, kFormat));
  }
  const std::span<const char> body(bytes.data(), bytes.size() - kWord);
  if (Reader tail({bytes.data() + body.size(), kWord}); tail.word() != checksum(body)) {
    throw refuse("is spoilt: its checksum does not hold");
  }
  if (header.word() != identity) {
    throw refuse("belongs to another calibration (problem, observations, options or seed differ)");
  }
  Reader reader(body.subspan(3 * kWord));
  AbcState state;
  state.n_simulations = reader.word();
  state.n_attempted = reader.word();
  state.n_failed = reader.word();
  state.finished = reader.word() != 0;
  state.step = reader.number();
  for (auto* values : {&state.parameters, &state.summaries, &state.distances, &state.scales, &state.prior_variances}) {
    *values = reader.numbers();
  }
  state.generations.resize(reader.word());
  for (Generation& generation : state.generations) {
    generation.number = static_cast<int>(reader.word());
    generation.n_sweeps = static_cast<int>(reader.word());
    generation.n_simulations = reader.word();
    generation.tolerance = reader.number();
    generation.acceptance = reader.number();
    generation.step = reader.number();
    generation.means = reader.numbers();
    generation.sds = reader.numbers();
  }
  return state;
}

}  // namespace uptake
