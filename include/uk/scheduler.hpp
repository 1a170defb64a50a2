// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arena.hpp>
#include <uk/image_link.hpp>
#include <uk/list.hpp>
#include <uk/time.hpp>
#include <uk/timer.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>

namespace uk {

/// A suspended coroutine in the queue it waits in: an event's, or the ready list. Lives in the awaiter; when the
/// coroutine is destroyed the waiter leaves the queue by itself, which is all that cancellation needs.
struct waiter : list_node {
    std::coroutine_handle<> coroutine;
};

/// What tasks need from below: the ready list, the timers, the frames' arena and the time. One per stack; the parts
/// that drive it are in loop.hpp.
class scheduler {
public:
    /// A detached task: owned by the scheduler until it ends.
    struct detached : list_node {
        std::coroutine_handle<> frame;
    };
    /// Where the time comes from; none: the time of the round.
    struct time_source {
        instant (*read)(void*);
        void* from;
    };

private:
    // Before the large members, for short displacements.
    list<waiter> ready_;
    list<detached> detached_;
    instant now_{};
    time_source time_;

public:
    explicit scheduler(writable_bytes frame_memory, time_source source = {nullptr, nullptr})
        : time_(source), frames(frame_memory) {}
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;
    ~scheduler() { destroy_tasks(); }

    /// The coroutine of `w` runs in the next round, after those already made ready.
    void make_ready(waiter& w) { ready_.push_back(w); }

    /// Runs everything that is ready, with `now` as the time that tasks see, then what is due. New work made ready on
    /// the way waits for the next call. Says whether there is such work.
    bool run(instant now) {
        now_ = now;
        timers.advance(now);
        list<waiter> round;
        round.take_all(ready_);
        while (!round.empty()) round.pop_front().coroutine.resume();
        return !ready_.empty();
    }

    /// The time now: what a wait is counted from. A task may have computed for long since the round began.
    instant time() const { return time_.read != nullptr ? time_.read(time_.from) : now_; }

    /// The time at the start of this round.
    instant now() const { return now_; }
    void set_now(instant now) { now_ = now; }

    /// Tasks that ended with an error nobody awaited.
    std::uint32_t failed_tasks = 0;

    arena frames;
    timer_wheel timers;

    void adopt(detached& task) { detached_.push_back(task); }

    /// Cancels every detached task.
    void destroy_tasks() {
        while (!detached_.empty()) detached_.pop_front().frame.destroy();
    }
};

/// A part's or a task's way to its stack's scheduler.
using scheduler_link = image_link<scheduler, uk_scheduler_object>;

/// Anything that leads to a scheduler: a stack, a part, or the scheduler itself.
template <class T>
concept has_scheduler = requires(T& t) {
    { t.scheduler() } -> std::same_as<scheduler&>;
};

}  // namespace uk
