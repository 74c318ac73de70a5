#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "folder.hpp"
#include "uptake/error.hpp"
#include "uptake/results.hpp"

namespace uptake {
namespace {

const std::string kDigest = "0123456789abcdef";
constexpr std::size_t kSize = 3;
constexpr std::size_t kHeader = 48, kRecord = 16 + 8 * kSize + 8;

std::vector<double> payload(std::uint64_t replicate) {
  const auto r = static_cast<double>(replicate);
  return {r, -r / 3, 1e300 * r};
}

std::vector<double> row_of(const Ensemble& ensemble, std::size_t replicate) {
  std::vector<double> row(ensemble.width);
  ensemble.read(replicate, 0, row);
  return row;
}

class Parts : public testing::Test {
 protected:
  void write(int task, const std::vector<std::uint64_t>& replicates) const {
    PartFile part(folder.path(), kDigest, task, kSize);
    for (const std::uint64_t r : replicates) part.append(r, payload(r));
    part.flush();
  }
  [[nodiscard]] std::filesystem::path part(int task) const {
    return folder.path() / ".parts" / (kDigest + "-" + std::to_string(task) + ".bin");
  }
  [[nodiscard]] std::vector<bool> finished(std::size_t n) const {
    return finished_replicates(folder.path(), kDigest, kSize, n);
  }
  static std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void put(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  template <class Act>
  static Problem problem_of(const Act& act) {
    try {
      act();
    } catch (const FileError& error) {
      EXPECT_FALSE(error.problem().where.empty());
      EXPECT_FALSE(error.problem().suggestion.empty()) << error.what();
      return error.problem();
    }
    ADD_FAILURE() << "no FileError";
    return {};
  }

  TestFolder folder;
};

TEST_F(Parts, ComeBackByReplicateFromAllTasks) {
  write(0, {0, 3});
  write(1, {2, 1});
  const Ensemble ensemble = read_parts(folder.path(), kDigest, kSize, 4);
  ASSERT_EQ(ensemble.n_replicates, 4u);
  for (std::uint64_t r = 0; r < 4; ++r) {
    EXPECT_EQ(row_of(ensemble, r), payload(r));
    double last = 0;
    ensemble.read(r, kSize - 1, {&last, 1});
    EXPECT_EQ(last, payload(r).back());
  }
}

TEST_F(Parts, AreLittleEndianAsDocumented) {
  write(7, {258});
  const std::string bytes = bytes_of(part(7));
  ASSERT_EQ(bytes.size(), kHeader + kRecord);
  EXPECT_EQ(bytes.substr(0, 8), "uptparts");
  EXPECT_EQ(bytes.substr(8, 4), std::string("\2\0\0\0", 4));
  EXPECT_EQ(bytes.substr(12, 4), std::string("\7\0\0\0", 4));
  EXPECT_EQ(bytes.substr(16, 16), kDigest);
  EXPECT_EQ(bytes.substr(32, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(kHeader, 8), std::string("\2\1\0\0\0\0\0\0", 8));
  EXPECT_EQ(bytes.substr(kHeader + 8, 8), std::string("\x18\0\0\0\0\0\0\0", 8));
}

TEST_F(Parts, NoFolderIsNothingFinished) {
  EXPECT_EQ(finished(2), (std::vector<bool>{false, false}));
  const Problem problem = problem_of([&] { (void)read_parts(folder.path(), kDigest, kSize, 2); });
  EXPECT_NE(problem.what.find("2 of 2 replicates are missing"), std::string::npos) << problem.text();
}

TEST_F(Parts, ATailTornAtAnyByteIsDroppedAndOverwritten) {
  write(0, {0, 1});
  const std::string whole = bytes_of(part(0));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(part(0), whole.substr(0, size));
    const std::vector<bool> expected{size >= kHeader + kRecord, false};
    ASSERT_EQ(finished(2), expected) << "torn at byte " << size;
    write(0, expected[0] ? std::vector<std::uint64_t>{1} : std::vector<std::uint64_t>{0, 1});
    ASSERT_EQ(bytes_of(part(0)), whole) << "torn at byte " << size;
  }
}

TEST_F(Parts, ASpoiltByteCostsItsRecordAlone) {
  write(0, {0, 1, 2});
  const std::string whole = bytes_of(part(0));
  for (std::size_t at = kHeader + kRecord; at < kHeader + 2 * kRecord; ++at) {
    std::string spoilt = whole;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x10);
    put(part(0), spoilt);
    ASSERT_EQ(finished(3), (std::vector<bool>{true, false, true})) << "byte " << at;
    EXPECT_THROW((void)read_parts(folder.path(), kDigest, kSize, 3), FileError);
  }
  write(0, {1});
  EXPECT_EQ(finished(3), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(row_of(read_parts(folder.path(), kDigest, kSize, 3), 1), payload(1));
}

TEST_F(Parts, AnotherRunsFileIsRefused) {
  write(0, {0});
  std::string bytes = bytes_of(part(0));
  bytes[20] = 'x';
  put(part(0), bytes);
  for (const auto& problem : {problem_of([&] { (void)finished(1); }), problem_of([&] { write(0, {0}); })})
    EXPECT_NE(problem.what.find("another run"), std::string::npos) << problem.text();
  bytes[0] = 'x';
  put(part(0), bytes);
  EXPECT_NE(problem_of([&] { (void)finished(1); }).what.find("not a part file"), std::string::npos);
  EXPECT_EQ(bytes_of(part(0)), bytes) << "what is not ours is left alone";
}

TEST_F(Parts, AFileThatBecomesShorterWhileItIsReadIsNoticed) {
  write(0, {0, 1});
  const Ensemble ensemble = read_parts(folder.path(), kDigest, kSize, 2);
  std::filesystem::resize_file(part(0), kHeader + kRecord + 20);
  EXPECT_EQ(row_of(ensemble, 0), payload(0));
  EXPECT_NE(problem_of([&] { (void)row_of(ensemble, 1); }).what.find("became shorter"), std::string::npos);
}

TEST_F(Parts, AnEnsembleIsReadAfterItsFilesAreRemoved) {
  write(0, {0});
  const Ensemble ensemble = read_parts(folder.path(), kDigest, kSize, 1);
  std::filesystem::remove_all(folder.path() / ".parts");
  EXPECT_EQ(row_of(ensemble, 0), payload(0));
}

TEST_F(Parts, AnotherDigestSeesNothing) {
  write(0, {0});
  EXPECT_EQ(finished_replicates(folder.path(), "fedcba9876543210", kSize, 1), std::vector<bool>{false});
}

TEST_F(Parts, AnotherPayloadSizeIsRefused) {
  write(0, {0});
  const Problem problem = problem_of([&] { (void)finished_replicates(folder.path(), kDigest, kSize + 1, 1); });
  EXPECT_NE(problem.what.find("3 values a replicate instead of 4"), std::string::npos) << problem.text();
}

TEST_F(Parts, TwoWritersOfOneTaskAreRefused) {
  const PartFile first(folder.path(), kDigest, 0, kSize);
  const Problem problem = problem_of([&] { const PartFile second(folder.path(), kDigest, 0, kSize); });
  EXPECT_NE(problem.what.find("another process"), std::string::npos) << problem.text();
}

TEST_F(Parts, NoRoomForTheHeaderSaysWhatToDoAndCanBeMended) {
  {
    const FileSizeLimit limit(kHeader / 2);
    const Problem problem = problem_of([&] { write(0, {0}); });
    EXPECT_NE(problem.what.find("cannot write"), std::string::npos) << problem.text();
    EXPECT_EQ(bytes_of(part(0)).size(), 0u);
  }
  write(0, {0});
  EXPECT_EQ(finished(1), std::vector<bool>{true});
}

TEST_F(Parts, AWriteThatFailsHalfWayLeavesWholeRecords) {
  PartFile file(folder.path(), kDigest, 0, kSize);
  file.append(0, payload(0));
  {
    const FileSizeLimit limit(kHeader + kRecord + kRecord / 2);
    const Problem problem = problem_of([&] { file.append(1, payload(1)); });
    EXPECT_NE(problem.suggestion.find("ulimit -f"), std::string::npos) << problem.text();
    EXPECT_EQ(bytes_of(part(0)).size(), kHeader + kRecord);
  }
  file.append(1, payload(1));
  EXPECT_EQ(finished(2), (std::vector<bool>{true, true}));
}

TEST_F(Parts, AFileInTheWayOfTheFolderSaysWhatToDo) {
  put(folder.path() / ".parts", "in the way");
  const Problem problem = problem_of([&] { write(0, {0}); });
  EXPECT_NE(problem.suggestion.find("-o"), std::string::npos) << problem.text();
}

TEST_F(Parts, AFolderThatMayNotBeWrittenSaysWhatToDo) {
  if (::geteuid() == 0) {
    // Root writes everywhere but where the kernel itself refuses.
    const Problem problem = problem_of([&] { const PartFile file("/proc/uptake", kDigest, 0, kSize); });
    EXPECT_NE(problem.suggestion.find("-o"), std::string::npos) << problem.text();
    return;
  }
  ASSERT_EQ(::chmod(folder.path().c_str(), 0500), 0);
  const Problem problem = problem_of([&] { write(0, {0}); });
  EXPECT_NE(problem.suggestion.find("may write"), std::string::npos) << problem.text();
  ASSERT_EQ(::chmod(folder.path().c_str(), 0700), 0);
}

}  // namespace
}  // namespace uptake
