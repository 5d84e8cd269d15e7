#include "monitor/server.h"

#include <atomic>

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "monitor/client.h"
#include "monitor/connection.h"
#include "monitor/proto/monitor.grpc.pb.h"
#include "monitor/reporter.h"
#include "tests/monitor/http.h"
#include "tests/monitor/testing.h"

namespace penumbra::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

Member member(const std::string& run = "runs/a", int rank = 0) {
  return {run, rank, 2, "node0", 0, {{"method", "full"}, {"ranks", "2"}}};
}

ReporterOptions to(const Server& server) {
  ReporterOptions options;
  options.address = server.address();
  options.heartbeat_seconds = 0.05;
  return options;
}

Value loss(double value) { return {Metric::loss, {"total"}, value}; }

void no_order(Order /*order*/) { FAIL() << "no order was given"; }

std::string metrics(const Server& server) { return get(server.metrics_address(), "/metrics"); }

bool shows(const Server& server, const std::string& line) {
  return eventually([&] { return metrics(server).find(line) != std::string::npos; });
}

TEST(Monitor, ValuesComeOutInPrometheusText) {
  const Server server({});
  Reporter reporter(member(), to(server), no_order, [] {
    return std::vector<Value>{{Metric::resident_memory, {}, 7}};
  });
  std::vector<std::uint64_t> counts(bucket_bounds().size() + 1, 0);
  counts[0] = 3;
  counts[2] = 4;
  reporter.push({loss(1.5), {Metric::steps, {}, 12}, {Metric::uncertainty, {"original"}, 1.25, counts}});
  EXPECT_TRUE(shows(server, "penumbra_loss{run=\"runs/a\",term=\"total\"} 1.5"));
  EXPECT_TRUE(shows(server, "penumbra_steps_total{run=\"runs/a\"} 12"));
  EXPECT_TRUE(shows(server, "penumbra_uncertainty_bucket{run=\"runs/a\",space=\"original\",le=\"0.3\"} 7"));
  EXPECT_TRUE(shows(server, "penumbra_uncertainty_sum{run=\"runs/a\",space=\"original\"} 1.25"));
  EXPECT_TRUE(shows(server, "penumbra_resident_memory_bytes{run=\"runs/a\",rank=\"0\"} 7"));
  EXPECT_TRUE(shows(server, "penumbra_rank_up{run=\"runs/a\",rank=\"0\",host=\"node0\"} 1"));
  EXPECT_TRUE(shows(server, "penumbra_run_outcome{run=\"runs/a\",outcome=\"running\"} 1"));
}

TEST(Monitor, AGoodbyeIsHeard) {
  const Server server({});
  {
    Reporter reporter(member(), to(server), no_order);
    reporter.push({loss(1)});
    reporter.finish(Outcome::finished);
  }
  EXPECT_TRUE(shows(server, "penumbra_run_outcome{run=\"runs/a\",outcome=\"finished\"} 1"));
  EXPECT_THAT(metrics(server), HasSubstr("penumbra_loss{run=\"runs/a\",term=\"total\"} 1\n"));
  EXPECT_THAT(metrics(server), Not(HasSubstr("penumbra_rank_up")));
}

TEST(Monitor, OrdersReachTheRun) {
  const Server server({});
  std::atomic<int> checkpoints = 0, stops = 0;
  Reporter reporter(member(), to(server), [&](Order order) { ++(order == Order::stop ? stops : checkpoints); });
  Client client(server.address(), {});
  EXPECT_TRUE(eventually([&] { return client.list("runs/a").size() == 1; }));
  EXPECT_EQ(client.order("runs/a", Order::checkpoint), 0);
  EXPECT_EQ(client.order("runs/a", Order::stop), 0);
  EXPECT_TRUE(eventually([&] { return checkpoints == 1 && stops == 1; }));
  try {
    client.order("runs/b", Order::stop);
    FAIL() << "there is no such run";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no rank of run 'runs/b' is connected"));
  }
}

TEST(Monitor, AWatcherSeesARunGoOn) {
  const Server server({});
  Reporter reporter(member(), to(server), no_order);
  Client client(server.address(), {});
  double seen = 0, next = 1;
  client.watch("", 0.2, [&](const std::vector<RunView>& runs) {
    for (const RunView& run : runs) {
      for (const Value& value : run.values) seen = value.number;
    }
    reporter.push({loss(next++)});
    return seen < 3;
  });
  EXPECT_GE(seen, 3);
}

TEST(Monitor, TrainingGoesOnWithoutAMonitorAndReportsOnceItIsThere) {
  std::string address;
  { address = Server({}).address(); }
  ReporterOptions options;
  options.address = address;
  options.heartbeat_seconds = 0.05;
  options.queue = 4;
  Reporter reporter(member(), options, no_order);
  reporter.push({{Metric::learning_rate, {}, 0.5}});  // said once
  EXPECT_TRUE(eventually([&] { return reporter.dropped() == 1; }));
  for (int i = 0; i < 10; ++i) reporter.push({loss(i)});
  EXPECT_TRUE(eventually([&] { return reporter.dropped() >= 7; }));
  ServerOptions server_options;
  server_options.listen = address;
  {
    const Server server(server_options);
    EXPECT_TRUE(shows(server, "penumbra_loss{run=\"runs/a\",term=\"total\"} 9"));
    EXPECT_THAT(metrics(server), HasSubstr("penumbra_reports_dropped_total{run=\"runs/a\",rank=\"0\"} 1"));
  }
  reporter.push({loss(10)});
  const Server again(server_options);
  reporter.push({loss(11)});
  EXPECT_TRUE(shows(again, "penumbra_loss{run=\"runs/a\",term=\"total\"} 11"));
  EXPECT_THAT(metrics(again), HasSubstr("penumbra_learning_rate{run=\"runs/a\"} 0.5\n"));
}

TEST(Monitor, ARankThatWasForgottenJoinsAgain) {
  ServerOptions options;
  options.table.forget_seconds = 0.2;
  const Server server(options);
  ReporterOptions slow = to(server);
  slow.heartbeat_seconds = 0.6;
  Reporter reporter(member(), slow, no_order);
  reporter.push({loss(1)});
  EXPECT_TRUE(shows(server, "penumbra_loss"));
  EXPECT_TRUE(eventually([&] { return metrics(server).find("penumbra_monitor_runs 0") != std::string::npos; }));
  EXPECT_TRUE(shows(server, "penumbra_loss"));
}

TEST(Monitor, AReporterEndsInTimeWhateverTheMonitorDoes) {
  ReporterOptions options;
  options.address = "127.0.0.1:1";  // nobody
  const auto begin = std::chrono::steady_clock::now();
  {
    Reporter reporter(member(), options, no_order);
    reporter.push({loss(1)});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST(Monitor, ARankThatFloodsWaitsAndDropsWithoutHurtingOthers) {
  ServerOptions options;
  options.most_reports_per_second = 20;
  const Server server(options);
  Reporter flood(member("runs/flood"), to(server), no_order), calm(member("runs/calm"), to(server), no_order);
  for (int i = 0; i < 20'000; ++i) flood.push({loss(i)});
  calm.push({loss(1)});
  EXPECT_TRUE(shows(server, "penumbra_loss{run=\"runs/calm\",term=\"total\"} 1"));
  EXPECT_GT(flood.dropped(), 1000U);
}

TEST(Monitor, APortInUseIsAnError) {
  const Server server({});
  ServerOptions options;
  options.listen = server.address();
  EXPECT_THROW(Server{options}, std::runtime_error);
  options = {};
  options.metrics = server.metrics_address();
  try {
    const Server second(options);
    FAIL() << "the port is taken";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the port is in use"));
  }
}

TEST(Monitor, MessagesThatAreTooLongAreRefused) {
  const Server server({});
  const auto stub = v1::Monitor::NewStub(open_channel(server.address(), {}));
  grpc::ClientContext context;
  const auto stream = stub->Report(&context);
  v1::RankReport report;
  report.mutable_hello()->set_run(std::string(100U << 20, 'x'));
  stream->Write(report);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(metrics(server), HasSubstr("penumbra_monitor_runs 0"));
}

TEST(Monitor, WhatDoesNotBelongIsRefusedWithAReason) {
  const Server server({});
  const auto stub = v1::Monitor::NewStub(open_channel(server.address(), {}));
  const auto refusal = [&](const std::vector<v1::RankReport>& reports) {
    grpc::ClientContext context;
    const auto stream = stub->Report(&context);
    for (const auto& report : reports) stream->Write(report);
    return stream->Finish();
  };
  v1::RankReport hello, update;
  hello.mutable_hello()->set_run("a{b=\"c\"}");
  hello.mutable_hello()->set_ranks(1);
  EXPECT_THAT(refusal({hello}).error_message(), HasSubstr("the run's name must be"));
  update.mutable_update();
  EXPECT_THAT(refusal({update}).error_message(), HasSubstr("says hello first"));
  hello.mutable_hello()->set_run("a");
  EXPECT_THAT(refusal({hello, hello}).error_message(), HasSubstr("says hello once"));
  EXPECT_TRUE(shows(server, "penumbra_monitor_rejected_total{reason=\"run\"} 1"));
}

TEST(Monitor, UnknownMetricsOfANewerRankAreCounted) {
  const Server server({});
  const auto stub = v1::Monitor::NewStub(open_channel(server.address(), {}));
  grpc::ClientContext context;
  const auto stream = stub->Report(&context);
  v1::RankReport report;
  report.mutable_hello()->set_run("a");
  report.mutable_hello()->set_ranks(1);
  stream->Write(report);
  report.mutable_update()->add_values()->set_metric("penumbra_of_tomorrow");
  stream->Write(report);
  EXPECT_TRUE(shows(server, "penumbra_monitor_rejected_total{reason=\"metric\"} 1"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(Monitor, ASlowScraperHoldsUpNobody) {
  const Server server({});
  const auto [host, port] = split_address(server.metrics_address());
  std::vector<int> idle;
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &place.sin_addr);
  for (int i = 0; i < 2; ++i) {  // connects and never asks
    idle.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(idle.back(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)), 0);
  }
  EXPECT_THAT(metrics(server), HasSubstr("penumbra_monitor_runs"));
  for (const int connection : idle) ::close(connection);
}

}  // namespace
}  // namespace penumbra::monitor
