// SPDX-License-Identifier: BSL-1.0
// The smallest machine: a console, one line, the end.

#include <uk/uk.hpp>

struct machine : uk::stack<uk::target> {};

void app(machine& os) { os[uk::port::console].print("hello from one type\n"); }

int main() { return uk::run<machine>(app); }
