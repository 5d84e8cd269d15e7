#include "trainer/exit_code.h"

#include <cstdio>
#include <string>

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "comm/error.h"
#include "comm/world.h"
#include "data/error.h"
#include "trainer/config.h"

namespace penumbra::trainer {
namespace {

struct Outcome {
  int code;
  std::string line;  ///< empty: nothing to say
};

Outcome outcome_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const comm::PeerFailure& failure) {
    return {failure.exit_code(), ""};
  } catch (const comm::RankFailure& failure) {
    const Outcome cause = outcome_of(failure.cause());
    return {cause.code, fmt::format("rank {}: {}", failure.rank(), cause.line)};
  } catch (const Stopped&) {
    return {kStopped, ""};
  } catch (const ConfigError& failure) {
    return {kUsage, failure.what()};
  } catch (const data::DataError& failure) {
    return {kData, failure.what()};
  } catch (const comm::CommError& failure) {
    return {kCommunication, failure.what()};
  } catch (const c10::Error& failure) {
    return {kFailure, failure.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return {kFailure, "out of memory: use a smaller train.batch or fewer ranks on this host"};
  } catch (const std::exception& failure) {
    return {kFailure, failure.what()};
  }
}

}  // namespace

int exit_code_of(const std::exception_ptr& error) { return outcome_of(error).code; }

void report_error(const std::exception_ptr& error) {
  const std::string line = outcome_of(error).line;
  if (!line.empty()) fmt::print(stderr, "penumbra: error: {}\n", line);
}

void run_or_abort(comm::World& world, const std::function<void()>& work) {
  try {
    work();
  } catch (const comm::PeerFailure&) {
    throw;
  } catch (...) {  // the other ranks wait for this one
    report_error(std::current_exception());
    world.abort(exit_code_of(std::current_exception()));
  }
}

}  // namespace penumbra::trainer
