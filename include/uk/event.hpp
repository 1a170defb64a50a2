// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/list.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/task.hpp>

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

namespace uk {

/// Something that may happen again and again; tasks wait for the next time: `while (!condition) co_await happened;`.
/// Remembers nothing: a notification that nobody waits for is lost.
class event {
public:
    class awaiter : waiter {
    public:
        explicit awaiter(event& e) : event_(&e) {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) noexcept {
            coroutine = h;
            event_->waiting_.push_back(*this);
        }
        void await_resume() const noexcept {}

    private:
        event* event_;
    };
    awaiter operator co_await() { return awaiter(*this); }

    /// The next notification as something to pass on: `co_await uk::within(1s, happened.next())`.
    struct notification {
        event* of;
        awaiter operator co_await() const { return awaiter(*of); }
    };
    notification next() { return {this}; }

    /// Makes the longest-waiting task ready, or all of them.
    void notify_one(scheduler& on) {
        if (!waiting_.empty()) on.make_ready(waiting_.pop_front());
    }
    void notify_all(scheduler& on) {
        while (!waiting_.empty()) on.make_ready(waiting_.pop_front());
    }

    bool awaited() const { return !waiting_.empty(); }

private:
    list<waiter> waiting_;
};

namespace detail {

class sleep_awaiter : timer {
public:
    explicit sleep_awaiter(duration d) : timer(&fire), duration_(d) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) noexcept {
        scheduler& on = *h.promise().home;
        home_ = &on;
        waiter_.coroutine = h;
        on.timers.arm(*this, on.time() + duration_);
    }
    void await_resume() const noexcept {}

private:
    static void fire(timer& t) {
        auto& self = static_cast<sleep_awaiter&>(t);
        self.home_->make_ready(self.waiter_);
    }
    duration duration_;
    scheduler* home_ = nullptr;
    waiter waiter_;
};

class yield_awaiter : waiter {
public:
    yield_awaiter() {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) noexcept {
        coroutine = h;
        h.promise().home->make_ready(*this);
    }
    void await_resume() const noexcept {}
};

template <class R>
struct timed_result {
    using type = result<R>;
};
template <class T, class E>
struct timed_result<result<T, E>> {
    using type = result<T, E>;
};

// Holds the operation so that the deadline can destroy it: destruction is cancellation.
template <class Operation>
class within_awaiter : timer {
    using inner = decltype(std::declval<Operation>().operator co_await());
    using value = decltype(std::declval<inner&>().await_resume());

public:
    using type = typename timed_result<value>::type;

    within_awaiter(duration d, Operation&& op) : timer(&fire), duration_(d), operation_(std::move(op)) {}

    bool await_ready() noexcept { return false; }

    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) noexcept {
        home_ = &*h.promise().home;
        waiter_.coroutine = h;
        inner_.emplace(deferred{*this});
        if (inner_->await_ready()) return h;
        home_->timers.arm(*this, home_->time() + duration_);
        using suspended = decltype(inner_->await_suspend(h));
        if constexpr (std::is_void_v<suspended>) {
            inner_->await_suspend(h);
            return std::noop_coroutine();
        } else if constexpr (std::same_as<suspended, bool>) {
            return inner_->await_suspend(h) ? std::coroutine_handle<>(std::noop_coroutine()) : h;
        } else {
            return inner_->await_suspend(h);
        }
    }

    type await_resume() {
        cancel();
        if (!inner_) return fail(type::error_type::timed_out);
        if constexpr (std::is_void_v<value>) {
            inner_->await_resume();
            return {};
        } else {
            return inner_->await_resume();
        }
    }

private:
    // Lets `optional` construct the awaiter in place although it cannot be moved.
    struct deferred {
        within_awaiter& self;
        operator inner() const { return std::move(*self.operation_).operator co_await(); }
    };

    static void fire(timer& t) {
        auto& self = static_cast<within_awaiter&>(t);
        self.inner_.reset();
        self.operation_.reset();
        self.home_->make_ready(self.waiter_);
    }

    duration duration_;
    std::optional<Operation> operation_;
    std::optional<inner> inner_;
    scheduler* home_ = nullptr;
    waiter waiter_;
};

}  // namespace detail

/// Continues after at least `d`: `co_await uk::sleep(2s);`
inline detail::sleep_awaiter sleep(duration d) { return detail::sleep_awaiter(d); }

/// Lets everything else that is ready run first.
inline detail::yield_awaiter yield() { return {}; }

/// `co_await uk::within(2s, op)`: the result of `op` (a task or another awaitable, not a reference), or
/// `error::timed_out`; then `op` has been cancelled.
template <class Operation>
detail::within_awaiter<Operation> within(duration d, Operation op) {
    return {d, std::move(op)};
}

}  // namespace uk
