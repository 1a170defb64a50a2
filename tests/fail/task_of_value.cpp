// SPDX-License-Identifier: BSL-1.0
// expect: uk::task: T of task<T> must be a uk::result, so that running out of frame memory is a value; write uk::task<uk::result<\.\.\.>>\.
#include <uk/uk.hpp>

struct server : uk::stack<uk::target, uk::uses<uk::port::tasks>> {};
#ifdef UK_CONTROL
uk::task<uk::result<int>> sum(server&) { co_return 2; }
#else
uk::task<int> sum(server&) { co_return 2; }
#endif
