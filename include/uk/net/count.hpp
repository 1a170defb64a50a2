// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace uk::net {

/// Counts in the counter that lies `index` after `first` in a struct of counters (uk::counter_list): causes that an
/// enum lists in the order of their counters need no switch.
inline void count(std::uint32_t& first, unsigned index) { ++(&first)[index]; }

}  // namespace uk::net
