// SPDX-License-Identifier: BSL-1.0
// expect: uk::run: the application.{0,2}s parameter is not its stack; uk::run<server>\(app\) needs app\(server& os\)\.
#include <uk/uk.hpp>

struct server : uk::stack<uk::target> {};
struct other : uk::stack<uk::target, uk::uses<uk::port::clock>> {};
#ifdef UK_CONTROL
void app(server&) {}
#else
void app(other&) {}
#endif
int main() { return uk::run<server>(app); }
