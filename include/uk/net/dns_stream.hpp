// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/net/dns_wire.hpp>
#include <uk/port.hpp>
#include <uk/result.hpp>
#include <uk/task.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace uk::net {

/// Asks `server` by TCP, where each message comes behind its length (RFC 1035 section 4.2.2, RFC 7766), and calls
/// `use(message)` with what it says first. Fails as the connection does, or with `too_large` when length and message
/// have more than `Octets`, all of which are in the task's frame. `q` must live until then.
template <std::size_t Octets, class Stack, class Use>
task<> ask_by_stream(Stack& os, ip4_address server, const dns_query& q, Use use) {
    static_assert(Octets >= dns_query::most + 2);
    std::array<std::byte, Octets> message;
    auto connection = co_await (co_await os[port::stream].connect(server, dns_port));
    store_be(message.data(), static_cast<std::uint16_t>(q.size()));
    emit(q, message.data() + 2);
    co_await (co_await connection.write(bytes(message).first(2 + q.size())));
    std::size_t got = 0;
    std::size_t whole = 2;
    while (got < whole) {
        const auto piece = co_await (co_await connection.read());
        if (piece.contents().size() > Octets - got) co_return fail(error::too_large);
        got += copy(writable_bytes(message).subspan(got), piece.contents());
        if (got >= 2) whole = 2U + load_be<std::uint16_t>(message.data());
    }
    use(bytes(message).subspan(2, whole - 2));
    co_return {};
}

}  // namespace uk::net
