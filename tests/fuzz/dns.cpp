// SPDX-License-Identifier: BSL-1.0
#include "frame.hpp"

#include <uk/net/dns_answer.hpp>
#include <uk/net/dns_name.hpp>
#include <uk/net/dns_wire.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace fuzz;

void look_at(const net::dns_name& name) {
    require(name.size >= 1 && name.octets[name.size - 1U] == std::byte{0}, "a name has its end");
    std::size_t at = 0;
    while (name.octets[at] != std::byte{0}) {
        const auto label = std::to_integer<std::size_t>(name.octets[at]);
        require(label <= 63, "a label is one");
        at += label + 1;
        require(at < name.size, "a label fits into its name");
    }
    require(at + 1 == name.size, "a name ends where it says");
}

// A name from its text, or none.
std::optional<net::dns_name> name_of(std::string_view text) {
    net::dns_name name;
    name.octets = {};
    if (!net::parse_dns_name(text, name)) return {};
    look_at(name);
    require(net::same_dns_name(name, name), "a name is itself");
    return name;
}

template <std::size_t Octets>
void read(uk::bytes message, const net::dns_query& q, bool exact) {
    constexpr unsigned room = 4;
    std::array<std::byte, room * Octets> into;
    net::dns_reading r;
    if (net::read_dns_answer(message, q, exact, 6, into.data(), room, r) != net::dns_fault::none) return;
    require(r.addresses <= room, "no more addresses than there is room");
    require(r.aliases <= 7, "no more aliases than allowed");
    require(r.ttl <= 0x7fff'ffff, "a time to live is one");
    require(r.code <= 15, "a code is one");
    require(r.name_at >= 12 && r.name_at < message.size(), "a name lies in its message");
    if (r.truncated) return;
    net::dns_name name;
    net::take_dns_name(message, r.name_at, name);
    look_at(name);
}

}  // namespace

// An octet: bit 0 the type, bit 1 whether case matters, bit 2 whether the header and the question are the target's.
// Then the text of the name that is asked for, and the answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    const unsigned mode = in.octet();
    const uk::bytes text = in.piece();
    net::dns_query q;
    q.id = 0x1234;
    q.type = (mode & 1) != 0 ? net::dns_type::aaaa : net::dns_type::a;
    q.name = name_of(uk::as_text(text)).value_or(*name_of("a.example"));
    octets message;
    if ((mode & 4) != 0) {
        message.resize(q.size());
        emit(q, message.data());
        message[2] = static_cast<std::byte>(0x81 | (in.octet() & 0x02));
        message[3] = static_cast<std::byte>(0x80 | (in.octet() & 0x0f));
        for (std::size_t at = 7; at < 12; at += 2) message[at] = static_cast<std::byte>(in.octet() % 8);
    }
    append(message, in.rest());
    message.shrink_to_fit();
    if ((mode & 1) != 0) {
        read<16>(message, q, (mode & 2) != 0);
    } else {
        read<4>(message, q, (mode & 2) != 0);
    }
    return 0;
}
