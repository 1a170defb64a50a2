// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/arch/sim_pipe.hpp>
#include <uk/arch/sim_world.hpp>
#include <uk/port.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace uk::sim {

/// The place of a host in a world: the end of its cable, what waits there, and the machine that is switched on there at
/// the time, if any. Outlives the machine: a crash destroys the stack, a restart makes a new one in the same seat.
class seat : runner {
public:
    seat(world& w, unsigned n) : in(w), number(n) {
        run = [](runner& r) { static_cast<seat&>(r).turn(); };
        in.join(*this);
    }
    seat(const seat&) = delete;
    seat& operator=(const seat&) = delete;

    world& in;
    const unsigned number;
    pipe* outlet = nullptr;         ///< where the machine's frames go
    duration latency{0};            ///< from a frame's arrival to the turn that sees it, with all that came meanwhile
    std::size_t ring = 64;          ///< frames that wait for the machine; more are dropped
    std::string written;            ///< all that was printed here

    /// Locally administered, 02:75:6b:00 and the seat's number.
    mac address() const {
        return {{0x02, 0x75, 0x6b, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
    }

    /// The machine's stack is built: it gets its turns from now on. `Host` is a stack that derives from `seated`.
    template <class Host>
    void switch_on(Host& host) {
        machine_ = &host;
        turn_ = [](void* machine) {
            auto& os = *static_cast<Host*>(machine);
            os[port::tasks].run_until([&] { return os.where.halted_; });
        };
        wake_at(in.now());
    }
    /// The machine is off, or about to be destroyed: what waits for it is lost.
    void switch_off() {
        machine_ = nullptr;
        wake = instant::never();
        arrived_.clear();
        first_ = 0;
    }
    bool on() const { return machine_ != nullptr; }

    /// Gives the machine a turn at `when` at the latest.
    void wake_at(instant when) {
        if (on() && when < wake) wake = when;
    }

    /// The end of the cable.
    void arrive(frame&& f) {
        in.report(number, false, f);
        if (!on() || arrived_.size() - first_ >= ring) {
            ++counted.overrun;
            return in.let_go(std::move(f));
        }
        arrived_.push_back(std::move(f));
        wake_at(in.now() + latency);
    }
    static void arrive(void* context, std::uint64_t, frame&& f) {
        static_cast<seat*>(context)->arrive(std::move(f));
    }

    struct counters {
        std::uint64_t overrun = 0;    ///< nobody there, or nobody took the frames before
        std::uint64_t no_buffer = 0;  ///< the stack had no packet for it
        std::uint64_t changed = 0;    ///< a frame's octets changed while it was being sent: a bug of the stack
    };
    counters counted;

    // For the parts of the machine.

    /// When the machine was switched on: its clock begins there.
    instant since() const { return since_; }
    unsigned boots() const { return boots_; }

    /// A stack is being built here.
    void boot() {
        since_ = in.now();
        ++boots_;
    }

    /// The machine has nothing to do until `until`.
    void halt(instant until) {
        halted_ = true;
        wake_at(until);
    }

    /// The longest-waiting frame; empty when there is none.
    frame take() {
        if (first_ == arrived_.size()) return {};
        frame f = std::move(arrived_[first_++]);
        if (first_ == arrived_.size()) {
            arrived_.clear();
            first_ = 0;
        }
        return f;
    }

private:
    void turn() {
        halted_ = false;
        if (on()) turn_(machine_);
    }

    void* machine_ = nullptr;
    void (*turn_)(void*) = nullptr;
    bool halted_ = false;
    instant since_{};
    unsigned boots_ = 0;
    std::vector<frame> arrived_;
    std::size_t first_ = 0;
};

/// The first base class of a stack in a simulation: `struct host : sim::seated, uk::stack<sim::target<host>, ...>`.
struct seated {
    explicit seated(seat& s) : where(s) { s.boot(); }
    seated(const seated&) = delete;
    seated& operator=(const seated&) = delete;
    ~seated() { where.switch_off(); }

    seat& where;
};

namespace detail {

/// The seat of the stack `os`, which is a base of `Host`.
template <class Host, class Stack>
seat& seat_of(Stack& os) {
    return static_cast<seated&>(static_cast<Host&>(os)).where;
}

}  // namespace detail

}  // namespace uk::sim
