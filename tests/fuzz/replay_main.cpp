// Runs a target without libFuzzer: on its corpus, then on damaged copies of it, the same ones each time.
// Usage: NAME_replay CORPUS RUNS
#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

namespace {

using Input = std::vector<std::uint8_t>;

constexpr unsigned kSecondsEach = 10;
constexpr std::size_t kMostAdded = 4096;
constexpr const char* kFinding = "finding.bin";

Input now_tried;  ///< for the signal handler

std::vector<Input> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path());
  std::sort(names.begin(), names.end());  // a folder has them in any order
  std::vector<Input> corpus;
  for (const auto& name : names) {
    std::ifstream file(name, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

void save_finding(int signal) {
  const int file = ::open(kFinding, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool saved = file >= 0 && ::write(file, now_tried.data(), now_tried.size()) >= 0;
  const char* text = saved ? "finding: the input is in finding.bin\n" : "finding: its input cannot be saved\n";
  static_cast<void>(!::write(STDERR_FILENO, text, std::strlen(text)));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// An endless loop, a crash and a huge allocation all become findings.
void guard() {
  for (const int signal : {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV}) std::signal(signal, save_finding);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they reserve terabytes
  const rlimit memory{rlim_t{4} << 30, rlim_t{4} << 30};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
}

class Damage {
 public:
  explicit Damage(const std::vector<Input>& corpus) : corpus_(corpus) {}

  Input next() {
    Input input = corpus_[below(corpus_.size())];
    for (std::size_t times = 1 + below(4); times > 0; --times) damage(input);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : bits_() % bound; }

  void damage(Input& input) {
    const std::size_t at = below(input.size());
    switch (below(6)) {
      case 0:
        if (!input.empty()) input[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(bits_());
        break;
      case 2:
        input.resize(at);
        break;
      case 3:
        overwrite(input, at);
        break;
      case 4:
        splice(input, at);
        break;
      default:
        repeat(input, at);
    }
  }

  /// 1 to 8 bytes become a number at the end of some integer's range.
  void overwrite(Input& input, std::size_t at) {
    static constexpr std::uint64_t kExtremes[] = {0,          1,          0x7f,        0x80,          0xffff,
                                                  0x7fffffff, 0x80000000, ~0ull >> 32, ~0ull >> 1ull, ~0ull};
    const std::uint64_t value = kExtremes[below(std::size(kExtremes))];
    const std::size_t count = std::min<std::size_t>(std::size_t{1} << below(4), input.size() - at);
    std::memcpy(input.data() + at, &value, count);
  }

  /// From `at` on, another seed's bytes.
  void splice(Input& input, std::size_t at) {
    const Input& other = corpus_[below(corpus_.size())];
    const auto from = other.begin() + static_cast<std::ptrdiff_t>(below(other.size()));
    input.resize(at);
    input.insert(input.end(), from, other.end());
  }

  void repeat(Input& input, std::size_t at) {
    const std::size_t count = below(std::min(input.size() - at, kMostAdded));
    const auto from = input.begin() + static_cast<std::ptrdiff_t>(at);
    const Input piece(from, from + static_cast<std::ptrdiff_t>(count));
    input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 bits_{20};  // its numbers are the same everywhere
};

void run(Input input) {
  now_tried = std::move(input);
  ::alarm(kSecondsEach);
  LLVMFuzzerTestOneInput(now_tried.data(), now_tried.size());
  ::alarm(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::vector<Input> corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no inputs\n", argv[1]);
    return 2;
  }
  guard();
  for (const Input& input : corpus) run(input);
  Damage damage(corpus);
  const int runs = std::atoi(argv[2]);
  for (int i = 0; i < runs; ++i) run(damage.next());
  std::printf("%zu inputs of the corpus and %d damaged ones\n", corpus.size(), runs);
  return 0;
}
