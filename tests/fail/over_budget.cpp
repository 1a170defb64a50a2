// SPDX-License-Identifier: BSL-1.0
// expect: uk::footprint: the system needs [0-9]+ octets of memory, [0-9]+ over its budget of 16384; lower the limits of its parts or raise the budget\.
#include <uk/uk.hpp>

struct server : uk::stack<uk::target, uk::uses<uk::port::tasks>> {};
#ifdef UK_CONTROL
static_assert(uk::fits_in<server, 65536>());
#else
static_assert(uk::fits_in<server, 16384>());
#endif
