// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/part.hpp>

#include <array>
#include <concepts>
#include <span>
#include <string_view>

namespace uk {

namespace port {

/// Who resolves names here: `resolvers()` are the addresses of the name servers known now, in the order to ask them,
/// none while there is no network; `domain()` is what to append to a name without dots, without its first dot, or
/// empty. Both may change whenever the address does, and are valid until then.
inline constexpr struct resolvers_port {
    static constexpr std::string_view name = "port::resolvers";
    static constexpr std::string_view remedy =
        "add net::dhcp from <uk/net/dhcp.hpp> or net::static_resolvers from <uk/net/resolvers.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t) {
                { t.resolvers() } -> std::same_as<std::span<const ip4_address>>;
            }) {
            return "std::span<const uk::ip4_address> resolvers()";
        }
        if (!requires(T& t) {
                { t.domain() } -> std::same_as<std::string_view>;
            })
            return "std::string_view domain()";
        return {};
    }
} resolvers;

}  // namespace port

namespace net {

/// Name servers that never change: `net::static_resolvers<"9.9.9.9"_ip4>`.
template <ip4_address... Servers>
struct static_resolvers {
    using needs = ports<>;
    using provides = ports<port::resolvers>;
    static constexpr std::string_view name = "net::static_resolvers";

    static_assert(sizeof...(Servers) > 0 && (... && Servers.is_unicast()),
                  "net::static_resolvers: name the addresses of name servers, each that of one host.");

    static std::span<const ip4_address> resolvers() { return all; }
    static std::string_view domain() { return {}; }

private:
    static constexpr std::array<ip4_address, sizeof...(Servers)> all{Servers...};
};

}  // namespace net

}  // namespace uk
