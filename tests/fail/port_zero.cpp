// SPDX-License-Identifier: BSL-1.0
// expect-clang: uk::net: a port number is from 1 to 65535; port 0 is no place to listen\.
// expect-gcc: uk_a_port_number_is_from_1_to_65535
#include <uk/net/port_number.hpp>

int serve(uk::net::port_number port) { return port.value(); }

#ifdef UK_CONTROL
int main() { return serve(80); }
#else
int main() { return serve(0); }
#endif
