#pragma once

#include <optional>
#include <vector>

#include "monitor/proto/monitor.pb.h"
#include "monitor/sample.h"

namespace penumbra::monitor {

/// Between the messages of the network and plain structs. Unknown metrics, and those with other labels than they should
/// have, have no struct; texts of a list of runs that are not plain become "?".
v1::Value to_wire(const Value& value);
std::optional<Value> from_wire(const v1::Value& value);
v1::Hello to_wire(const Member& member);
Member from_wire(const v1::Hello& hello);
v1::RunList to_wire(const std::vector<RunView>& runs);
std::vector<RunView> from_wire(const v1::RunList& list);

}  // namespace penumbra::monitor
