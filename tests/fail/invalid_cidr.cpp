// SPDX-License-Identifier: BSL-1.0
// expect: uk: \\?"10.0.0.300/24\\?" is not an IPv4 address with a prefix length of 0 to 32; write it like \\?"10.0.0.2/24\\?"_cidr\.
#include <uk/address.hpp>

using namespace uk::literals;
#ifdef UK_CONTROL
constexpr auto here = "10.0.0.2/24"_cidr;
#else
constexpr auto here = "10.0.0.300/24"_cidr;
#endif
static_assert(sizeof(here) > 0);
