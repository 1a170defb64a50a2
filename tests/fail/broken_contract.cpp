// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: loopback claims port::frame but lacks bool send\(uk::outgoing\)\.
#include <uk/uk.hpp>

struct loopback {
    using needs = uk::ports<>;
    using provides = uk::ports<uk::port::frame>;
    uk::packet receive() { return {}; }
#ifdef UK_CONTROL
    bool send(uk::outgoing) { return true; }
#else
    void send(uk::packet) {}
#endif
    uk::mac address() const { return {}; }
    std::size_t mtu() const { return 1500; }
};
struct server : uk::stack<uk::target, loopback> {};
int main() { return uk::run<server>([](server&) {}); }
