// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>
#include <uk/scheduler.hpp>
#include <uk/stack_link.hpp>

#include <concepts>
#include <cstddef>

namespace uk {

struct loop_limits {
    /// Octets for the frames of all tasks that live at one time.
    std::size_t frame_memory = 16 * 1024;
};

/// The one thread of a stack: polls the parts, runs what is ready, halts the machine when there is nothing to do.
template <loop_limits Limits = {}>
struct loop {
    using needs = ports<port::clock, port::idle>;
    using provides = ports<port::tasks>;
    static constexpr std::string_view name = "uk::loop";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os), scheduler_(memory_.all(), {&time, &os}) {
            scheduler_.set_now(os[port::clock].now());
        }

        uk::scheduler& scheduler() { return scheduler_; }
        [[gnu::always_inline]] void place_links() {
            if constexpr (config::linked) {
                asm volatile(".globl uk_scheduler_object\n.set uk_scheduler_object, %c0" ::"i"(&scheduler_));
            }
        }

        /// Drives the stack until `done()` is true. Devices with interrupts may wake the halt at any time: what arrived
        /// before it ends it at once, so nothing is lost between the last look and the halt.
        template <class Done>
        void run_until(Done done) {
            while (true) {
                // Parts that arm timers while they are polled must not see the time before the halt.
                const instant now = os_[port::clock].now();
                scheduler_.set_now(now);
                bool busy = poll_parts();
                busy |= scheduler_.run(now);
                busy |= flush_parts();
                if (done()) return;
                if (!busy) os_[port::idle].idle(scheduler_.timers.next());
            }
        }

    private:
        static instant time(void* os) { return stack_link<Stack>(*static_cast<Stack*>(os))[port::clock].now(); }

        bool poll_parts() {
            bool busy = false;
            os_.each([&](auto& object) {
                if constexpr (requires { object.poll(); }) busy |= object.poll();
            });
            return busy;
        }
        // Layers before the devices that they hand their frames to. One that says true has more to be polled for.
        bool flush_parts() {
            bool more = false;
            os_.each_reversed([&](auto& object) {
                if constexpr (requires {
                                  { object.flush() } -> std::same_as<bool>;
                              }) {
                    more |= object.flush();
                } else if constexpr (requires { object.flush(); }) {
                    object.flush();
                }
            });
            return more;
        }

        [[no_unique_address]] stack_link<Stack> os_;
        raw_memory<Limits.frame_memory> memory_;
        uk::scheduler scheduler_;
    };
};

}  // namespace uk
