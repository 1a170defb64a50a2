// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/meta.hpp>
#include <uk/port.hpp>
#include <uk/text.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace uk {

// A part is a type with `needs` and `provides` (each a uk::ports<...>), optionally a `name` for diagnostics, and either
// is itself the object that lives in the stack, or has `template <class Stack> class in` for it, constructed from
// `Stack&`. Objects are constructed in dependency order and destroyed in reverse. Optional members of the object:
//   bool poll()       called in each turn of the loop; says whether it found work
//   void flush()      called at the end of each turn, in reverse order: hands what was queued to the part below; makes
//                     no task ready. As `bool flush()` it says whether to poll it again before the machine halts
//   task<> start()    awaited in dependency order before the application starts
//   void place_links()   in an image, for its linker: where links to the object lead (image_link.hpp); always inlined

/// Parts that belong together; each is listed as if the user had written it.
template <class... Parts>
struct bundle {
    using contents = decltype(meta::types<Parts...>);
};

/// Parts that are taken only where a port that they provide is needed and no listed part provides it. The first one
/// that fits wins.
template <class... Parts>
struct offers {
    using contents = decltype(meta::types<Parts...>);
};

/// What a machine offers. `Name` is for diagnostics: "target kvm offers none".
template <text Name, class... Parts>
struct machine {
    using contents = decltype(meta::types<Parts...>);
    static constexpr std::string_view target_name = Name.view();
};

/// What a machine's own parts do beyond their ports' contracts, where it costs octets of an image: for
/// `uk::target_with<uk::target_options{.watch_link = false}>`. A machine that has nothing to leave out takes no notice.
struct target_options {
    /// The network card's link is watched, and the layers are told when it comes up (perhaps to another network), and a
    /// card that asks for a reset gets it.
    bool watch_link = true;
};

/// Needs of the application itself: `uk::uses<uk::port::clock>` among the parts makes `os[uk::port::clock]` available.
template <auto... Ports>
struct uses {
    using needs = ports<Ports...>;
    using provides = ports<>;
    static constexpr std::string_view name = "the application";
};

template <class T>
concept part = requires {
    typename T::needs;
    typename T::provides;
};

namespace detail {

/// What the wiring knows of a port. `type` is its identity: names of types compare in constant expressions where GCC 12
/// does not compare the addresses of variable templates (under sanitizers).
struct port_info {
    std::string_view type;
    std::string_view name;
    std::string_view remedy;
};
template <class Port>
inline constexpr port_info port_info_of{meta::name_of<Port>(), Port::name, Port::remedy};

struct port_list {
    const port_info* const* first = nullptr;
    std::size_t size = 0;

    constexpr bool contains(const port_info& p) const {
        for (std::size_t i = 0; i < size; ++i) {
            if (first[i]->type == p.type) return true;
        }
        return false;
    }
};

template <class Ports>
struct port_table;
template <auto... Ports>
struct port_table<ports<Ports...>> {
    static constexpr std::array<const port_info*, sizeof...(Ports)> values{
        &port_info_of<std::remove_cvref_t<decltype(Ports)>>...};
    static constexpr port_list list{values.data(), values.size()};
};

/// A part as the wiring sees it.
struct part_row {
    std::string_view name;
    std::string_view type;  // the identity
    port_list needs;
    port_list provides;
    bool offered;
};

template <class P>
consteval std::string_view part_name() {
    if constexpr (requires { P::name; }) {
        return P::name;
    } else {
        return meta::name_of<P>();
    }
}

template <class P>
consteval part_row row_of(bool offered) {
    return {part_name<P>(), meta::name_of<P>(), port_table<typename P::needs>::list,
            port_table<typename P::provides>::list, offered};
}

/// The object of part `P` in a stack.
template <class P, class Stack>
struct object_of {
    using type = P;
};
template <class P, class Stack>
    requires requires { typename P::template in<Stack>; }
struct object_of<P, Stack> {
    using type = typename P::template in<Stack>;
};

}  // namespace detail

}  // namespace uk
