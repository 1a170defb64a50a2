// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>
#include <uk/plan.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

/// From the parts as the user wrote them to the objects of a stack.
namespace uk::detail {

/// Every stack has a console: panics and `print` need one.
struct root {
    using needs = ports<port::console>;
    using provides = ports<>;
    static constexpr std::string_view name = "uk::stack";
};

template <class P, bool Offered>
struct entry {
    using part = P;
    static constexpr bool offered = Offered;
};

template <class... Parts>
std::true_type lists_its_contents(const bundle<Parts...>*);
std::false_type lists_its_contents(const void*);

/// `P` as a tuple of entries: bundles, offers and machines are opened, in the order written.
template <bool Offered, class P>
consteval auto entries_of() {
    if constexpr (requires { typename P::contents; }) {
        constexpr bool inside = Offered || !decltype(lists_its_contents(static_cast<const P*>(nullptr)))::value;
        return meta::hana::flatten(meta::hana::transform(
            typename P::contents{}, [](auto t) { return entries_of<inside, typename decltype(t)::type>(); }));
    } else {
        static_assert(part<P>, "uk::stack: a part must say what it needs and provides: using needs = uk::ports<...>; "
                               "using provides = uk::ports<...>;");
        return meta::types<entry<P, Offered>>;
    }
}

template <class... Entries>
struct wiring {
    static constexpr std::array<part_row, sizeof...(Entries)> table{
        row_of<typename Entries::part>(Entries::offered)...};
    static constexpr plan<sizeof...(Entries)> solved = planner<sizeof...(Entries)>(table).make();
    static constexpr std::size_t size = solved.used;

    template <std::size_t I>
    using part = typename std::tuple_element_t<solved.order[I], std::tuple<Entries...>>::part;

    /// The place in the order of construction of the part that provides `port`; `size` when there is none.
    static consteval std::size_t place_of(const port_info& port) {
        for (bool offered : {false, true}) {
            for (std::size_t i = 0; i < size; ++i) {
                const part_row& row = table[solved.order[i]];
                if (row.offered == offered && row.provides.contains(port)) return i;
            }
        }
        return size;
    }
};

/// The wiring of `Parts`, as a type.
template <class... Parts>
consteval auto wire() {
    constexpr auto entries =
        meta::hana::flatten(meta::hana::make_tuple(entries_of<false, root>(), entries_of<false, Parts>()...));
    return meta::apply<wiring>(entries);
}

/// One object of a stack. A base class of `slots`, because bases are constructed in order and found by index.
template <std::size_t I, class Object>
struct slot {
    template <class Stack>
    explicit slot(Stack& s)
        requires std::is_constructible_v<Object, Stack&>
        : object(s) {}
    template <class Stack>
    explicit slot(Stack&)
        requires(!std::is_constructible_v<Object, Stack&>)
    {}

    [[no_unique_address]] Object object{};
};

template <class Wiring, class Stack, class Index = std::make_index_sequence<Wiring::size>>
struct slots;
template <class Wiring, class Stack, std::size_t... I>
struct slots<Wiring, Stack, std::index_sequence<I...>>
    : slot<I, typename object_of<typename Wiring::template part<I>, Stack>::type>... {
    explicit slots(Stack& s) : slot<I, typename object_of<typename Wiring::template part<I>, Stack>::type>(s)... {}
};

template <std::size_t I, class Object>
constexpr Object& object_at(slot<I, Object>& s) {
    return s.object;
}

template <class Port, class Object>
consteval sentence contract_error(std::string_view part) {
    sentence s;
    s << "uk::stack: " << part << " claims " << Port::name << " but lacks " << Port::template lacks<Object>() << ".";
    return s;
}

template <class Part, class Object, auto... Ports>
consteval bool keeps_contracts(ports<Ports...>) {
    return (true && ... &&
            require<std::remove_cvref_t<decltype(Ports)>::template lacks<Object>().empty(),
                    contract_error<std::remove_cvref_t<decltype(Ports)>, Object>(part_name<Part>())>());
}

template <class Port>
consteval sentence absence_error() {
    sentence s;
    s << "uk::stack: this stack has no " << Port::name << "; list uk::uses<uk::" << Port::name << "> among its parts.";
    return s;
}

}  // namespace uk::detail
