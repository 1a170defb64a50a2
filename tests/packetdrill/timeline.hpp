// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "machine.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace drill {

/// Virtual time, and the threads that wait for it. The thread that made it drives: only its calls move time, and where
/// one of them has to wait, it lets time pass until that is over. The tool runs calls that it expects to block in a
/// second thread; there they wait until the driver's calls have led to what they wait for.
class timeline {
public:
    using lock = std::unique_lock<std::mutex>;
    enum class end : std::uint8_t {
        done,
        late,         ///< the deadline passed
        stuck,        ///< nothing can happen any more, or nothing did for `patience`
        interrupted,  ///< the object is being freed
    };

    explicit timeline(machine& m) : os_(m), driver_(std::this_thread::get_id()) {}

    /// What every call begins with.
    lock enter() {
        lock held(mutex_);
        std::erase(abroad_, std::this_thread::get_id());
        back_.notify_all();
        return held;
    }

    uk::instant now() const { return os_.time().time; }

    /// Everything that can happen now, in the stack and for those that wait.
    void turn(lock& held) {
        os_.settle();
        bool woken = false;
        for (sleeper* s : sleepers_) {
            if (s->over) continue;
            s->is_done = s->done(s->context);
            if (!s->is_done && now() < s->deadline) continue;
            s->over = woken = true;
            abroad_.push_back(s->thread);
        }
        if (!woken) return;
        os_.settle();
        wake_.notify_all();
        // What a thread does after its call, such as asking for the time, belongs to this moment.
        back_.wait_for(held, std::chrono::milliseconds(100), [&] { return abroad_.empty(); });
        abroad_.clear();
    }

    /// Lets time pass to `to`, with all that happens on the way.
    void advance(lock& held, uk::instant to) {
        while (next() <= to) {
            set(next());
            turn(held);
        }
        set(to);
    }

    /// Lets time pass to whatever happens next, up to `limit`; false when that is reached.
    bool step(lock& held, uk::instant limit) {
        const uk::instant at = next();
        set(std::min(at, limit));
        if (at > limit) return false;
        turn(held);
        return true;
    }

    /// Waits until `done()`, up to `deadline`.
    template <class Done>
    end wait(lock& held, Done done, uk::instant deadline) {
        turn(held);
        if (done()) {
            turn(held);
            return end::done;
        }
        if (std::this_thread::get_id() == driver_) return drive(held, done, deadline);
        sleeper me{[](void* d) -> bool { return (*static_cast<Done*>(d))(); }, &done, deadline,
                   std::this_thread::get_id()};
        sleepers_.push_back(&me);
        wake_.wait(held, [&] { return me.over || closing_; });
        std::erase(sleepers_, &me);
        back_.notify_all();
        if (!me.over) return end::interrupted;
        return me.is_done ? end::done : end::late;
    }

    /// Calls that wait, of other threads.
    std::size_t waiting() const { return sleepers_.size(); }

    /// Ends every wait.
    void shut(lock& held) {
        closing_ = true;
        wake_.notify_all();
        back_.wait(held, [&] { return sleepers_.empty(); });
    }

    /// How long a call waits in vain when it has no deadline of its own.
    uk::duration patience = std::chrono::hours(3);

private:
    struct sleeper {
        bool (*done)(void*);
        void* context;
        uk::instant deadline;
        std::thread::id thread;
        bool over = false;
        bool is_done = false;
    };

    void set(uk::instant to) { os_.time().time = std::max(now(), to); }

    uk::instant next() {
        uk::instant first = os_.scheduler().timers.next();
        for (const sleeper* s : sleepers_) {
            if (!s->over) first = std::min(first, s->deadline);
        }
        return first;
    }

    template <class Done>
    end drive(lock& held, Done& done, uk::instant deadline) {
        const uk::instant limit = std::min(deadline, now() + patience);
        while (now() < limit) {
            if (next() == uk::instant::never() && deadline == uk::instant::never()) return end::stuck;
            const bool more = step(held, limit);
            if (done()) {
                turn(held);
                return end::done;
            }
            if (!more) break;
        }
        return now() < deadline ? end::stuck : end::late;
    }

    machine& os_;
    std::thread::id driver_;
    std::mutex mutex_;
    std::condition_variable wake_;  ///< for those that wait
    std::condition_variable back_;  ///< for the driver
    std::vector<sleeper*> sleepers_;
    std::vector<std::thread::id> abroad_;  ///< woken, and not back for another call yet
    bool closing_ = false;
};

}  // namespace drill
