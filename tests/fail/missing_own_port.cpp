// SPDX-License-Identifier: BSL-1.0
// expect: uk::stack: thermostat needs port::sensor, but no part provides it and target hosted offers none; list a sensor driver\.
#include <uk/uk.hpp>

inline constexpr struct sensor_port {
    static constexpr std::string_view name = "port::sensor";
    static constexpr std::string_view remedy = "list a sensor driver";
    template <class T>
    static consteval std::string_view lacks() {
        return {};
    }
} sensor;

struct thermostat {
    using needs = uk::ports<sensor>;
    using provides = uk::ports<>;
};
struct probe {
    using needs = uk::ports<>;
    using provides = uk::ports<sensor>;
};
#ifdef UK_CONTROL
struct device : uk::stack<uk::target, probe, thermostat> {};
#else
struct device : uk::stack<uk::target, thermostat> {};
#endif
int main() { return uk::run<device>([](device& os) { os[uk::port::console].print("on\n"); }); }
