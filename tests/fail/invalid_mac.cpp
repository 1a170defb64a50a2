// SPDX-License-Identifier: BSL-1.0
// expect: uk: \\?"02:00:00:00:01\\?" is not an Ethernet address; write it like \\?"02:00:00:00:00:01\\?"_mac\.
#include <uk/address.hpp>

using namespace uk::literals;
#ifdef UK_CONTROL
constexpr auto here = "02:00:00:00:00:01"_mac;
#else
constexpr auto here = "02:00:00:00:01"_mac;
#endif
static_assert(sizeof(here) > 0);
