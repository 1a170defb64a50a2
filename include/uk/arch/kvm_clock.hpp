// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/kvm_frequency.hpp>
#include <uk/arch/kvm_machine.hpp>
#include <uk/arch/x86.hpp>
#include <uk/check.hpp>
#include <uk/part.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace uk::kvm {

/// The time-stamp counter as the clock, the local APIC's timer to wake up. Needs a counter that runs at one rate and
/// does not stop while the CPU halts, as on every machine of the last decade. How exact the rate is depends on its
/// source, see cycle_length().
class clock {
public:
    using needs = ports<>;
    using provides = ports<port::clock, port::idle>;
    static constexpr std::string_view name = "kvm::clock";

    clock() {
        cycle_length_ = cycle_length();
        check(cycle_length_ != 0, "nothing tells the rate of the time-stamp counter: the machine needs an 8254");
        start_apic();
        has_deadline_ = (x86::cpuid(1).ecx >> 24 & 1) != 0;
        if (has_deadline_) {
            per_nanosecond_ = x86::multiply_divide(one, one, cycle_length_);
            apic_register(apic::lvt_timer) = apic::tsc_deadline | wake_vector;
            x86::fence();  // before the first write to the deadline (Intel SDM 3A, 11.5.4.1)
        } else {
            apic_register(apic::divide) = apic::divide_by_1;
            per_nanosecond_ = timer_rate();
            apic_register(apic::lvt_timer) = wake_vector;
        }
        start_ = x86::read_tsc();
    }

    instant now() const { return {x86::multiply_shift(x86::read_tsc() - start_, cycle_length_)}; }

    /// Halts until an interrupt or `until`. Returns early after a while, so that no counter overflows, and once after a
    /// timer that was set earlier.
    void idle(instant until) {
        if (until != instant::never()) {
            const instant at = now();
            if (until <= at) return;
            // Rounded up: waking just before the deadline would only mean to come back.
            const auto ticks = x86::multiply_shift(std::min(until.ns - at.ns, longest), per_nanosecond_) + 1;
            if (has_deadline_) {
                x86::write_msr(deadline_msr, x86::read_tsc() + ticks);
            } else {
                apic_register(apic::initial_count) = static_cast<std::uint32_t>(std::min(ticks, longest_count));
            }
        }
        x86::wait_for_interrupt();
    }

private:
    static constexpr std::uint64_t one = std::uint64_t{1} << 32;  // rates are 32.32 fixed point
    static constexpr std::uint64_t longest = std::uint64_t{1} << 42;  // nanoseconds, 73 minutes
    static constexpr std::uint64_t longest_count = 0xffff'ffff;
    static constexpr std::uint64_t rate_window = 250'000;  // nanoseconds
    static constexpr std::uint32_t deadline_msr = 0x6e0;

    struct timer_reading {
        std::uint64_t count, cycles;
        static timer_reading take() {
            const std::uint64_t count = apic_register(apic::current_count);
            return {count, x86::read_tsc()};
        }
    };

    // Ticks of the APIC timer per nanosecond, measured against the time-stamp counter. Both ends are read alike, so
    // that what a reading takes cancels out.
    std::uint64_t timer_rate() const {
        apic_register(apic::lvt_timer) = apic::masked;
        apic_register(apic::initial_count) = static_cast<std::uint32_t>(longest_count);
        timer_reading::take();  // the first one may be slow
        const timer_reading first = timer_reading::take();
        timer_reading last{};
        std::uint64_t passed = 0;
        while (passed < rate_window) {
            last = timer_reading::take();
            passed = x86::multiply_shift(last.cycles - first.cycles, cycle_length_);
        }
        check(first.count != last.count, "the APIC timer does not count");
        return x86::multiply_divide(first.count - last.count, one, passed);
    }

    std::uint64_t start_ = 0;
    std::uint64_t cycle_length_;    // nanoseconds per cycle of the time-stamp counter
    std::uint64_t per_nanosecond_;  // ticks of the timer
    bool has_deadline_;
};

}  // namespace uk::kvm
