// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_random.hpp>
#include <uk/bytes.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace uk::sim {

/// The octets of an Ethernet frame on their way.
using frame = std::vector<std::byte>;

/// Something that wants to be run at a time of its own choosing, such as a host.
struct runner {
    instant wake = instant::never();
    void (*run)(runner&) = nullptr;
};

/// What an observer is told: a frame that the host in `seat` has handed to its link, or that has reached it.
struct passage {
    instant at;
    unsigned seat;
    bool sent;
    bytes octets;
};
struct observer {
    void (*saw)(observer&, const passage&) = nullptr;
};

/// Virtual time, and what is to happen in it. Events at one time happen in the order in which they were planned, then
/// the runners in the order of their joining: nothing depends on addresses, on a library's containers or on how long
/// anything takes. Time jumps from one event to the next, so that waiting costs nothing.
class world {
public:
    using action = void (*)(void* context, std::uint64_t value, frame&& octets);

    explicit world(std::uint64_t seed) : seed_(seed) {}
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    std::uint64_t seed() const { return seed_; }
    instant now() const { return now_; }
    /// Events and turns so far.
    std::uint64_t steps() const { return steps_; }

    /// Has `what(context, value, octets)` called at `when`, or at once when that is past.
    void at(instant when, action what, void* context, std::uint64_t value = 0, frame octets = {}) {
        std::uint32_t place = 0;
        if (free_.empty()) {
            place = static_cast<std::uint32_t>(events_.size());
            events_.emplace_back();
        } else {
            place = free_.back();
            free_.pop_back();
        }
        events_[place] = {what, context, value, std::move(octets)};
        queue_.push_back({std::max(when, now_), ++planned_, place});
        std::push_heap(queue_.begin(), queue_.end(), entry::later);
    }

    void join(runner& r) { runners_.push_back(&r); }
    void watch(observer& o) { observers_.push_back(&o); }

    /// Lets the next thing happen, if there is one up to `end`; else it is `end` and the answer is false.
    bool step(instant end) {
        runner* first = nullptr;
        for (runner* r : runners_) {
            if (r->wake < (first == nullptr ? instant::never() : first->wake)) first = r;
        }
        const instant due = queue_.empty() ? instant::never() : queue_.front().when;
        const instant turn = first == nullptr ? instant::never() : first->wake;
        const instant next = std::min(due, turn);
        if (next > end || next == instant::never()) {
            if (end != instant::never()) now_ = std::max(now_, end);
            return false;
        }
        now_ = std::max(now_, next);
        ++steps_;
        if (due <= turn) {
            happen();
        } else {
            first->wake = instant::never();
            first->run(*first);
        }
        return true;
    }

    /// Nothing will ever happen any more.
    bool at_rest() const {
        return queue_.empty() && std::all_of(runners_.begin(), runners_.end(),
                                             [](const runner* r) { return r->wake == instant::never(); });
    }

    /// Tells the observers, and hashes what arrives.
    void report(unsigned seat, bool sent, bytes octets) {
        if (!sent) hash_frame(seat, octets);
        const passage p{now_, seat, sent, octets};
        for (observer* o : observers_) o->saw(*o, p);
    }

    /// A hash over the time, place and octets of all that has arrived anywhere: equal runs have equal ones.
    std::uint64_t trace() const { return trace_; }

    /// An empty frame, with the memory of one that is not needed any more.
    frame fresh_frame() {
        if (spare_.empty()) return {};
        frame f = std::move(spare_.back());
        spare_.pop_back();
        f.clear();
        return f;
    }
    void let_go(frame&& f) { spare_.push_back(std::move(f)); }

private:
    struct event {
        action what = nullptr;
        void* context = nullptr;
        std::uint64_t value = 0;
        frame octets;
    };
    struct entry {
        instant when;
        std::uint64_t order;
        std::uint32_t place;

        static bool later(const entry& a, const entry& b) {
            return a.when != b.when ? a.when > b.when : a.order > b.order;
        }
    };

    void happen() {
        std::pop_heap(queue_.begin(), queue_.end(), entry::later);
        const std::uint32_t place = queue_.back().place;
        queue_.pop_back();
        event e = std::move(events_[place]);
        free_.push_back(place);
        e.what(e.context, e.value, std::move(e.octets));
    }

    void add_to_trace(std::uint64_t word) {
        trace_ = (trace_ ^ word) * 0x9e3779b97f4a7c15;
        trace_ ^= trace_ >> 32;
    }
    void hash_frame(unsigned seat, bytes octets) {
        add_to_trace(now_.ns);
        add_to_trace(std::uint64_t{seat} << 32 | octets.size());
        while (octets.size() >= 8) {
            add_to_trace(load_be<std::uint64_t>(octets.data()));
            octets = octets.subspan(8);
        }
        std::byte rest[8]{};
        copy(rest, octets);
        add_to_trace(load_be<std::uint64_t>(rest));
    }

    std::uint64_t seed_;
    instant now_{};
    std::uint64_t steps_ = 0;
    std::uint64_t planned_ = 0;
    std::uint64_t trace_ = 0;
    std::vector<entry> queue_;
    std::vector<event> events_;
    std::vector<std::uint32_t> free_;
    std::vector<runner*> runners_;
    std::vector<observer*> observers_;
    std::vector<frame> spare_;
};

}  // namespace uk::sim
