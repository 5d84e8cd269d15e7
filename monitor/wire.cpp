#include "monitor/wire.h"

namespace penumbra::monitor {
namespace {

std::string plain(const std::string& text) { return is_plain(text) ? text : "?"; }

template <typename Labels>
std::vector<std::string> plain_all(const Labels& labels) {
  std::vector<std::string> out;
  for (const std::string& label : labels) out.push_back(plain(label));
  return out;
}

template <typename Repeated>
void add_values(const std::vector<Value>& values, Repeated* into) {
  for (const Value& value : values) *into->Add() = to_wire(value);
}

template <typename Repeated>
std::vector<Value> values_of(const Repeated& values) {
  std::vector<Value> out;
  for (const v1::Value& value : values) {
    auto known = from_wire(value);
    if (!known) continue;
    known->labels = plain_all(known->labels);
    out.push_back(std::move(*known));
  }
  return out;
}

v1::Run to_wire(const RunView& run) {
  v1::Run out;
  out.set_name(run.name);
  out.set_ranks(run.ranks);
  out.set_incarnation(run.incarnation);
  out.set_outcome(static_cast<v1::Outcome>(run.outcome));
  out.mutable_details()->insert(run.details.begin(), run.details.end());
  add_values(run.values, out.mutable_values());
  for (const RankView& member : run.members) {
    v1::Rank& rank = *out.add_members();
    rank.set_rank(member.rank);
    rank.set_host(member.host);
    rank.set_up(member.up || member.left);
    rank.set_silent_seconds(member.silent_seconds);
    add_values(member.values, rank.mutable_values());
  }
  for (const History& history : run.history) {
    v1::History& series = *out.add_history();
    series.set_metric(std::string(describe(history.metric).name));
    for (const std::string& label : history.labels) series.add_labels(label);
    series.mutable_numbers()->Add(history.numbers.begin(), history.numbers.end());
  }
  return out;
}

RunView from_wire(const v1::Run& run) {
  RunView out;
  out.name = plain(run.name());
  out.ranks = run.ranks();
  out.incarnation = run.incarnation();
  out.outcome = v1::Outcome_IsValid(run.outcome()) ? static_cast<Outcome>(run.outcome()) : Outcome::failed;
  for (const auto& [name, value] : run.details()) out.details[plain(name)] = plain(value);
  out.values = values_of(run.values());
  for (const v1::Rank& rank : run.members()) {
    RankView member;
    member.rank = rank.rank();
    member.host = plain(rank.host());
    member.up = rank.up();
    member.silent_seconds = rank.silent_seconds();
    member.values = values_of(rank.values());
    out.members.push_back(std::move(member));
  }
  for (const v1::History& series : run.history()) {
    const Description* known = find_metric(series.metric());
    if (known == nullptr || known->labels.size() != static_cast<std::size_t>(series.labels_size())) continue;
    out.history.push_back(
        {known->metric, plain_all(series.labels()), {series.numbers().begin(), series.numbers().end()}});
  }
  return out;
}

}  // namespace

v1::Value to_wire(const Value& value) {
  v1::Value out;
  out.set_metric(std::string(describe(value.metric).name));
  for (const std::string& label : value.labels) out.add_labels(label);
  out.set_number(value.number);
  out.mutable_counts()->Add(value.counts.begin(), value.counts.end());
  return out;
}

std::optional<Value> from_wire(const v1::Value& value) {
  const Description* known = find_metric(value.metric());
  if (known == nullptr || known->labels.size() != static_cast<std::size_t>(value.labels_size())) return std::nullopt;
  return Value{known->metric,
               {value.labels().begin(), value.labels().end()},
               value.number(),
               {value.counts().begin(), value.counts().end()}};
}

v1::Hello to_wire(const Member& member) {
  v1::Hello out;
  out.set_run(member.run);
  out.set_rank(member.rank);
  out.set_ranks(member.ranks);
  out.set_host(member.host);
  out.set_incarnation(member.incarnation);
  out.mutable_details()->insert(member.details.begin(), member.details.end());
  return out;
}

Member from_wire(const v1::Hello& hello) {
  return {hello.run(),  hello.rank(),        hello.ranks(),
          hello.host(), hello.incarnation(), {hello.details().begin(), hello.details().end()}};
}

v1::RunList to_wire(const std::vector<RunView>& runs) {
  v1::RunList list;
  for (const RunView& run : runs) *list.add_runs() = to_wire(run);
  return list;
}

std::vector<RunView> from_wire(const v1::RunList& list) {
  std::vector<RunView> runs;
  for (const v1::Run& run : list.runs()) runs.push_back(from_wire(run));
  return runs;
}

}  // namespace penumbra::monitor
