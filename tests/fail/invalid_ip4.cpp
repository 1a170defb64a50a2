// SPDX-License-Identifier: BSL-1.0
// expect: uk: \\?"10.0.0\\?" is not an IPv4 address; write it like \\?"10.0.0.2\\?"_ip4\.
#include <uk/address.hpp>

using namespace uk::literals;
#ifdef UK_CONTROL
constexpr auto here = "10.0.0.2"_ip4;
#else
constexpr auto here = "10.0.0"_ip4;
#endif
static_assert(sizeof(here) > 0);
