// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/check.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/text.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace uk {

template <class T>
class task;

namespace detail {

template <class... Args>
consteval bool leads_to_scheduler() {
    return (false || ... || has_scheduler<std::remove_cvref_t<Args>>);
}

/// The scheduler behind the first argument that has one.
template <class First, class... Rest>
scheduler& scheduler_among(First& first, Rest&... rest) {
    if constexpr (has_scheduler<std::remove_cvref_t<First>>) {
        return first.scheduler();
    } else {
        return scheduler_among(rest...);
    }
}

// Without one the coroutine does not compile, but for another reason.
template <class... Args>
scheduler& home_among(Args&... args) {
    if constexpr (leads_to_scheduler<Args...>()) {
        return scheduler_among(args...);
    } else {
        __builtin_unreachable();
    }
}

/// For whoever keeps an awaiter that is not a task's: its own answer whether it waits, with `h` to be resumed then.
template <class Awaiter>
bool suspend(Awaiter& a, std::coroutine_handle<> h) {
    if (a.await_ready()) return false;
    if constexpr (std::is_void_v<decltype(a.await_suspend(h))>) {
        a.await_suspend(h);
        return true;
    } else {
        return a.await_suspend(h);
    }
}

/// The part of a task's promise that does not depend on its type.
struct promise_base {
    explicit promise_base(scheduler& on) : home(on) {}

    [[no_unique_address]] scheduler_link home;
    std::coroutine_handle<> continuation;  // null: detached
    scheduler::detached detached_entry;

    std::suspend_always initial_suspend() noexcept { return {}; }
    [[noreturn]] void unhandled_exception() noexcept { panic("task: exception"); }
};

template <class T>
struct promise;

/// Ends the coroutine of `h`: hands over to whoever awaits it, or frees it when nobody can.
template <class T>
std::coroutine_handle<> finish(std::coroutine_handle<promise<T>> h) noexcept {
    promise<T>& p = h.promise();
    if (p.continuation) return p.continuation;
    if constexpr (is_result<T>) p.home->failed_tasks += p.value->has_value() ? 0 : 1;
    h.destroy();
    return std::noop_coroutine();
}

/// The same with `value`, from inside an `await_suspend` of the coroutine.
template <class T>
std::coroutine_handle<> end_task(std::coroutine_handle<promise<T>> h, T value) noexcept {
    h.promise().value.emplace(std::move(value));
    return finish(h);
}

template <class T>
struct final_awaiter {
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<promise<T>> h) noexcept { return finish(h); }
    void await_resume() noexcept {}
};

template <class R>
class result_awaiter {
public:
    explicit result_awaiter(R&& r) : result_(std::move(r)) {}
    bool await_ready() const noexcept { return result_.has_value(); }
    template <class T>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<promise<T>> h) noexcept {
        if constexpr (std::same_as<typename T::error_type, typename R::error_type>) {
            h.promise().value.emplace(fail(result_.error()));
        } else {
            h.promise().value.emplace(fail(reduce(result_.error())));
        }
        return finish(h);
    }
    auto await_resume() {
        if constexpr (!std::is_void_v<typename R::value_type>) return *std::move(result_);
    }

private:
    R result_;
};

template <class T>
struct promise : promise_base {
    static_assert(require<is_result<T>, "uk::task: T of task<T> must be a uk::result, so that running out of frame "
                                        "memory is a value; write uk::task<uk::result<...>>.">());
    std::optional<T> value;

    template <class... Args>
    explicit promise(Args&... args) : promise_base(home_among(args...)) {
        static_assert(
            require<leads_to_scheduler<Args...>(),
                    "uk::task: a coroutine takes its frame from its stack's arena: its stack or one of its parts "
                    "must be among the parameters (add `server& os`), and the stack must have port::tasks (list "
                    "uk::uses<uk::port::tasks>).">());
    }

    template <class... Args>
    static void* operator new(std::size_t size, Args&... args) noexcept {
        if constexpr (leads_to_scheduler<Args...>()) {
            return scheduler_among(args...).frames.allocate(size);
        } else {
            return nullptr;
        }
    }
    static void operator delete(void* frame) noexcept { arena::free(frame); }

    task<T> get_return_object() noexcept { return task<T>(std::coroutine_handle<promise>::from_promise(*this)); }
    static task<T> get_return_object_on_allocation_failure() noexcept { return task<T>(nullptr); }
    final_awaiter<T> final_suspend() noexcept { return {}; }

    template <class V>
    void return_value(V&& v) {
        value.emplace(std::forward<V>(v));
    }
    void return_value(T v) { value.emplace(std::move(v)); }
};

}  // namespace detail

/// `co_await` on a result in a task: the value, or the end of the task with the error. The task's locals die when the
/// task is destroyed, which whoever awaits it does at once.
template <class T, class E>
detail::result_awaiter<result<T, E>> operator co_await(result<T, E>&& r) {
    return detail::result_awaiter<result<T, E>>(std::move(r));
}

/// A lazy coroutine: runs when awaited, on its stack's one thread. Move-only; destroying it cancels it, with everything
/// it awaits. Awaiting yields its result. `T` is a `uk::result`. Where the arena has no room for the frame, awaiting
/// yields `error::no_memory`. In the body, `co_return {}` ends a `task<>` well.
template <class T = result<>>
class [[nodiscard]] task {
public:
    using promise_type = detail::promise<T>;
    using handle = std::coroutine_handle<promise_type>;

    task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        task old(std::move(*this));
        handle_ = std::exchange(other.handle_, nullptr);
        return *this;
    }
    [[gnu::noinline]] ~task() {
        if (handle_) handle_.destroy();
    }

    class awaiter {
    public:
        explicit awaiter(handle h) : handle_(h) {}
        bool await_ready() const noexcept { return !handle_; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> outer) noexcept {
            handle_.promise().continuation = outer;
            return handle_;
        }
        T await_resume() {
            if (!handle_) return fail(T::error_type::no_memory);
            return std::move(*handle_.promise().value);
        }

    private:
        handle handle_;
    };
    awaiter operator co_await() const& noexcept { return awaiter(handle_); }
    awaiter operator co_await() && noexcept { return awaiter(handle_); }

    /// Runs the task up to where it first waits, and leaves the rest to its scheduler, which frees it when it ends.
    /// Fails with `no_memory` when there was no room for the frame.
    result<> detach() && {
        if (!handle_) return fail(error::no_memory);
        handle h = std::exchange(handle_, nullptr);
        auto& p = h.promise();
        p.detached_entry.frame = h;
        p.home->adopt(p.detached_entry);
        h.resume();
        return {};
    }

    /// For whoever drives the loop: runs the task up to where it first waits; false when there was no room for its
    /// frame.
    bool start() {
        if (!handle_) return false;
        handle_.promise().continuation = std::noop_coroutine();
        handle_.resume();
        return true;
    }
    bool done() const { return handle_.promise().value.has_value(); }
    T take() { return std::move(*handle_.promise().value); }

private:
    friend promise_type;
    explicit task(handle h) : handle_(h) {}
    handle handle_;
};

}  // namespace uk
