#include "trainer/loop/progress.h"

#include <array>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <pty.h>
#include <unistd.h>

namespace penumbra::trainer {
namespace {

using ::testing::StartsWith;

/// A pseudo-terminal, and what was written to it.
class Terminal {
 public:
  Terminal() {
    int user = 0;
    if (openpty(&user_end_, &user, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
    stream_ = fdopen(user, "w");
  }
  ~Terminal() {
    std::fclose(stream_);
    close(user_end_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  std::FILE* stream() const { return stream_; }
  std::string read() {
    std::fflush(stream_);
    std::array<char, 1000> text{};
    const ssize_t bytes = ::read(user_end_, text.data(), text.size());
    return {text.data(), static_cast<std::size_t>(bytes)};
  }

 private:
  int user_end_ = -1;
  std::FILE* stream_ = nullptr;
};

TEST(ProgressBar, IsRedrawnOnATerminalAndGoneAtItsEnd) {
  Terminal terminal;
  {
    ProgressBar bar(terminal.stream(), 8);
    bar.show(2);
    EXPECT_THAT(terminal.read(), StartsWith("\r[" + std::string(10, '=') + std::string(30, ' ') + "]  25%  eta "));
    bar.show(8);
    EXPECT_THAT(terminal.read(), StartsWith("\r[" + std::string(40, '=') + "] 100%  eta 0:00"));
  }
  EXPECT_EQ(terminal.read(), "\r\x1b[K");
}

TEST(ProgressBar, NothingIsWrittenElsewhere) {
  std::FILE* file = std::tmpfile();
  {
    ProgressBar bar(file, 8);
    bar.show(2);
    bar.clear();
  }
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

TEST(ProgressBar, NothingIsShownOfNothing) {
  Terminal terminal;
  ProgressBar bar(terminal.stream(), 0);
  bar.show(0);
  bar.clear();
  EXPECT_EQ(terminal.read(), "\r\x1b[K");
}

}  // namespace
}  // namespace penumbra::trainer
