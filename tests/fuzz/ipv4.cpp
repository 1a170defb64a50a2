// SPDX-License-Identifier: BSL-1.0
#include "link.hpp"

#include <uk/net/ipv4_partial.hpp>

namespace {

using namespace fuzz;

void parse(uk::bytes octets) {
    net::ipv4_header h;
    if (net::parse_ipv4(octets, h) != net::ipv4_fault::none) return;
    require(h.header_length >= 20 && h.header_length <= h.total_length, "a header fits into its datagram");
    require(h.total_length <= octets.size(), "a datagram fits into its frame");
}

std::byte pattern(std::size_t at) { return static_cast<std::byte>(at * 31 + (at >> 8)); }

// Fragments of one datagram of UDP, whose octets say where they stand: bits 4 and 5 its identification.
octets fragment(uk::bytes piece, unsigned how) {
    input in(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
    const unsigned field = in.word();
    const std::size_t offset = (field & 0x1fffU) * 8;
    octets text(in.word() % 1480);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = pattern(offset + i);
    if (offset == 0 && text.size() >= 8) {
        uk::store_be(text.data(), std::uint32_t{talk_port << 16 | echo_port});
        uk::store_be(text.data() + 4, static_cast<std::uint16_t>(in.word()));
        uk::store_be(text.data() + 6, std::uint16_t{0});
    }
    return ipv4(17, text,
                {.from = {peer_ip.value + (how >> 6 & 1)},
                 .id = static_cast<std::uint16_t>(how >> 4 & 3),
                 .fragment = static_cast<std::uint16_t>(field)});
}

// With the second bit of the input set there are only fragments, so that all that was put together is known.
bool only_fragments;
void look_at_echo(const sent_frame& s) {
    if (!only_fragments || !s.is(net::protocol_udp) || s.payload.size() < 8) return;
    if (uk::load_be<std::uint16_t>(s.payload.data()) != echo_port) return;
    for (std::size_t i = 8; i < s.payload.size(); ++i) {
        require(s.payload[i] == pattern(i), "what was put together stands where its fragments said");
    }
}

// Bits 2 and 3: a whole datagram, one with a right beginning, one around a payload, or a fragment.
octets shape(uk::bytes piece, unsigned how) {
    const unsigned kind = only_fragments ? 3 : how >> 2 & 3;
    if (kind == 3) return fragment(piece, how);
    octets datagram;
    if (kind == 1) {
        input in(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
        const unsigned words = 5 + in.octet() % 11;
        datagram = ipv4(17, {}, {.fragment = static_cast<std::uint16_t>(in.word())});
        datagram.erase(datagram.begin(), datagram.begin() + 14);
        datagram[0] = static_cast<std::byte>(0x40 | words);
        datagram[9] = static_cast<std::byte>(in.octet());
        append(datagram, in.rest());
        const std::size_t length = datagram.size() + ((how & 32) != 0 ? 0 : 3);
        uk::store_be(datagram.data() + 2, static_cast<std::uint16_t>(length));
    } else if (kind == 2) {
        const octets whole = ipv4(static_cast<std::uint8_t>(how >> 4), piece);
        return whole;
    } else {
        append(datagram, piece);
    }
    parse(datagram);
    return ethernet(0x0800, datagram);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    only_fragments = size != 0 && (data[0] & 0x40) != 0;
    run_link(data, size, shape, look_at_echo);
    return 0;
}
