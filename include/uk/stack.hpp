// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/check.hpp>
#include <uk/config.hpp>
#include <uk/scheduler.hpp>
#include <uk/stack_link.hpp>
#include <uk/wiring.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk {

/// A whole machine as one object: the listed parts and, of the offered ones, those that somebody needs. The objects are
/// constructed in dependency order and destroyed in reverse; the stack is neither copied nor moved. Derive from it to
/// give it a short name: `struct server : uk::stack<uk::target, ...> {};`
template <class... Parts>
class stack {
    using wiring = typename decltype(detail::wire<Parts...>())::type;

    static consteval std::string_view target() {
        std::string_view name;
        (..., [&]<class P>(std::type_identity<P>) {
            if constexpr (requires { P::target_name; }) name = P::target_name;
        }(std::type_identity<Parts>{}));
        return name;
    }

    static_assert(require<wiring::solved.what == detail::fault::none,
                          detail::explain(wiring::solved, wiring::table, target())>());

    template <class Port>
    static constexpr std::size_t place = wiring::place_of(detail::port_info_of<Port>);

    static constexpr auto names = [] {
        std::array<std::string_view, wiring::size> all;
        for (std::size_t i = 0; i < wiring::size; ++i) all[i] = wiring::table[wiring::solved.order[i]].name;
        return all;
    }();

public:
    stack() : objects_(placed()) { static_assert(check_contracts(std::make_index_sequence<wiring::size>{})); }
    stack(const stack&) = delete;
    stack& operator=(const stack&) = delete;

    /// Tasks die first: they use the parts.
    ~stack() {
        if constexpr (has<port::tasks>) scheduler().destroy_tasks();
    }

    /// True when some part of the stack provides `Port`.
    template <auto Port>
    static constexpr bool has = place<std::remove_cvref_t<decltype(Port)>> < wiring::size;

    /// The part that provides the port: `os[uk::port::console].print("hello\n")`.
    template <class Port>
    auto& operator[](Port) {
        constexpr bool there = place<Port> < wiring::size;
        // After a fault of the plan a port may be missing for that reason alone: one mistake, one message.
        static_assert(require<there || wiring::solved.what != detail::fault::none, detail::absence_error<Port>()>());
        if constexpr (there) {
            return detail::object_at<place<Port>>(found().objects_);
        } else {
            return *this;
        }
    }

    /// Calls `visit(object)` for every part, in order of construction: what is needed before who needs it.
    template <class Visit>
    void each(Visit visit) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (visit(detail::object_at<I>(found().objects_)), ...);
        }(std::make_index_sequence<wiring::size>{});
    }

    /// The same in reverse: who needs something before what it needs.
    template <class Visit>
    void each_reversed(Visit visit) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (visit(detail::object_at<wiring::size - 1 - I>(found().objects_)), ...);
        }(std::make_index_sequence<wiring::size>{});
    }

    /// Where this stack's tasks run.
    uk::scheduler& scheduler()
        requires(has<port::tasks>)
    {
        return (*this)[port::tasks].scheduler();
    }

    /// The names of the parts that the stack took, in order of construction.
    static constexpr const auto& part_names() { return names; }

private:
    // The parts of an image believe that their stack is where uk::run puts it (stack_link.hpp).
    stack& placed() {
        if constexpr (config::image) check(stack_link<stack>(*this).leads_to(*this), "a stack outside of uk::run");
        return *this;
    }

    stack& found() { return *stack_link<stack>(*this); }

    template <std::size_t... I>
    static consteval bool check_contracts(std::index_sequence<I...>) {
        return (true && ... &&
                detail::keeps_contracts<typename wiring::template part<I>,
                                        typename detail::object_of<typename wiring::template part<I>, stack>::type>(
                    typename wiring::template part<I>::provides{}));
    }

    detail::slots<wiring, stack> objects_;
};

}  // namespace uk
