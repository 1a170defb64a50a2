// SPDX-License-Identifier: BSL-1.0
// expect: uk::task: a coroutine takes its frame from its stack.{0,2}s arena: its stack or one of its parts must be among the parameters .add `server& os`., and the stack must have port::tasks .list uk::uses<uk::port::tasks>.
#include <uk/uk.hpp>

struct server : uk::stack<uk::target, uk::uses<uk::port::tasks>> {};
#ifdef UK_CONTROL
uk::task<> add(server&, int&) { co_return {}; }
#else
uk::task<> add(int&) { co_return {}; }
#endif
