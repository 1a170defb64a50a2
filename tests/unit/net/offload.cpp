// SPDX-License-Identifier: BSL-1.0
#include <uk/net/offload.hpp>

#include "link_fixture.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/tcp.hpp>
#include <uk/net/udp.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

using namespace fakes;
namespace net = uk::net;

namespace {

// What is known of a frame's checksum: right, or partial over all from `from` on.
struct known {
    bool right = false;
    std::size_t from = 0;
    std::size_t field = 0;
};

/// A card that knows of checksums, if `fills` on the way out too.
struct summing_card {
    using needs = uk::ports<uk::port::packets>;
    using provides = uk::ports<uk::port::frame>;
    template <class Stack>
    struct in : card::in<Stack> {
        using base = card::in<Stack>;
        explicit in(Stack& s) : base(s) {}
        uk::packet receive() {
            uk::packet p = base::receive();
            if (p && next.from != 0) {
                p.mark_partial_sum(next.from, next.field);
            } else if (p) {
                p.mark_sum(next.right);
            }
            return p;
        }
        bool send(uk::outgoing frame) {
            sums.push_back(frame.head.sum());
            segment = frame.head.segment();
            const std::size_t from = frame.head.sum_from(), field = frame.head.sum_field();
            base::send(std::move(frame));
            if (sums.back() != uk::packet_sum::partial) return true;
            // As the device does it: section 5.1.6.2.1 of Virtio 1.2.
            octets& out = this->from_stack.back();
            const std::uint16_t sum = net::checksum_of(uk::bytes(out).subspan(from));
            uk::store_be(out.data() + from + field, sum == 0 ? std::uint16_t{0xffff} : sum);
            return true;
        }
        bool fills_checksums() const { return fills; }
        std::size_t segment_pieces() const { return 5; }
        static constexpr bool marks_checksums() { return true; }

        known next;
        bool fills = true;
        std::size_t segment = 0;
        std::vector<uk::packet_sum> sums;
    };
};

// Turns each datagram round in its own packet.
struct mirror {
    using needs = uk::ports<uk::port::udp>;
    using provides = uk::ports<>;
    template <class Stack>
    struct in {
        explicit in(Stack& s) : os(s) {}
        static constexpr std::uint16_t udp_port_number = 7;
        void receive_udp(uk::packet p, const net::udp_datagram& d) {
            ++heard;
            (void)os[uk::port::udp].send(d.from, d.from_port, d.to_port, uk::outgoing{std::move(p)});
        }
        Stack& os;
        unsigned heard = 0;
    };
};

using parts = uk::bundle<machine, summing_card, uk::packets<>,
                         uk::uses<uk::port::tasks, uk::port::clock, uk::port::packets, uk::port::frame>>;
struct host
    : link_end<uk::stack<parts, net::ethernet<>, net::arp<>, net::ipv4<net::ipv4_limits{.reassemblies = 2}>,
                         net::icmp<>, net::udp<>, net::tcp<>, mirror, uk::uses<uk::port::udp, uk::port::stream>>> {
    host() {
        (*this)[uk::port::ip].configure(our_net, router_ip);
        meet_peer();
        card().sums.clear();
    }
    void turn_and_flush() {
        turn();
        (*this)[uk::port::stream].flush();
    }
};

constexpr std::size_t transport = 34;  // where its header begins in a frame

octets udp_frame(std::uint16_t port, std::string_view text) {
    return ip_frame(peer_ip, our_ip, 17, udp_payload(peer_ip, 5000, our_ip, port, octets_of(text)));
}
/// The frame as a sender leaves it that has its card complete the checksum.
octets left_partial(octets frame, std::size_t field, std::uint8_t protocol) {
    const auto sum = net::pseudo_header(peer_ip, our_ip, protocol, frame.size() - transport).partial();
    uk::store_be(frame.data() + transport + field, sum);
    return frame;
}
bool udp_is_right(const sent_frame& f) {
    return net::pseudo_header(f.ip.source, f.ip.destination, 17, f.payload.size()).add(f.payload).value() == 0;
}
octets syn() {
    octets segment(20);
    net::tcp_segment s;
    s.source_port = 4000;
    s.destination_port = 80;
    s.flags = net::tcp_flag::syn;
    s.window = 1000;
    net::emit(s, segment.data());
    const auto sum = net::pseudo_header(peer_ip, our_ip, 6, 20).add(segment).value();
    uk::store_be(segment.data() + 16, sum);
    return ip_frame(peer_ip, our_ip, 6, segment);
}

}  // namespace

TEST_CASE("a layer has of offloads what is below it") {
    using with = net::provider_of<host, uk::port::ip>;
    CHECK(net::may_fill_checksums<with>);
    CHECK(net::may_mark_checksums<with>);
    struct plain : link_end<uk::stack<link_parts, net::ethernet<>, net::arp<>, net::ipv4<>, uk::uses<uk::port::ip>>> {};
    using without = net::provider_of<plain, uk::port::ip>;
    CHECK(!net::may_fill_checksums<without>);
    CHECK(!net::may_mark_checksums<without>);
    plain os;
    CHECK(!net::leaves_checksums(os[uk::port::ip]));
    uk::packet p = os.packet_of(octets(8));
    p.mark_sum(true);
    CHECK(!net::sum_holds(os[uk::port::ip], p, 6));
}

TEST_CASE("checksums of what is sent are left to a card that completes them, and only to that") {
    host os;
    for (const bool fills : {true, false}) {
        os.card().fills = fills;
        CHECK(net::leaves_checksums(os[uk::port::ip]) == fills);
        uk::outgoing d{os.packet_of(octets_of("12345"))};
        static constexpr std::byte tail[]{std::byte{0xab}, std::byte{0xcd}, std::byte{0xef}};
        d.body = tail;
        CHECK(os[uk::port::udp].send(peer_ip, 9, 10, std::move(d)));
        CHECK((os.card().sums.back() == uk::packet_sum::partial) == fills);
        const auto f = os.take_ip();
        CHECK(f.payload.size() == 16);
        CHECK(udp_is_right(f));
    }
}

TEST_CASE("TCP leaves its checksums to the card, and believes what the card says of others") {
    host os;
    const auto listener = os[uk::port::stream].listen(80);
    const auto answered = [&](octets frame) {
        os.card().to_stack.push_back(std::move(frame));
        os.turn_and_flush();
        const auto f = os.take_ip();
        return f.payload.size() >= 20 && (std::to_integer<int>(f.payload[13]) & 0x12) == 0x12 &&
               net::pseudo_header(our_ip, peer_ip, 6, f.payload.size()).add(f.payload).value() == 0;
    };
    octets wrong = syn();
    wrong[transport + 17] ^= std::byte{1};
    SUBCASE("not looked at, right") { CHECK(answered(syn())); }
    SUBCASE("not looked at, wrong") {
        CHECK(!answered(wrong));
        CHECK(os.silent());
    }
    SUBCASE("found right") {
        os.card().next.right = true;
        CHECK(answered(wrong));
        CHECK(os.card().sums.back() == uk::packet_sum::partial);
    }
    SUBCASE("partial") {
        os.card().next = {false, transport, 16};
        CHECK(answered(left_partial(syn(), 16, 6)));
    }
    SUBCASE("partial, but not that of the segment") {
        os.card().next = {false, transport + 2, 14};
        CHECK(!answered(left_partial(syn(), 16, 6)));
    }
    SUBCASE("a card that does not complete them") {
        os.card().fills = false;
        CHECK(answered(syn()));
        CHECK(os.card().sums.back() == uk::packet_sum::unknown);
    }
}

TEST_CASE("UDP believes what the card says, and what is turned round has a checksum of its own") {
    host os;
    octets frame = udp_frame(7, "hello");
    bool heard = true;
    SUBCASE("not looked at, right") {}
    SUBCASE("not looked at, wrong") {
        frame[transport + 7] ^= std::byte{1};
        heard = false;
    }
    SUBCASE("found right") {
        frame[transport + 7] ^= std::byte{1};
        os.card().next.right = true;
    }
    SUBCASE("partial") {
        frame = left_partial(frame, 6, 17);
        os.card().next = {false, transport, 6};
    }
    SUBCASE("partial, and the card completes none") {
        frame = left_partial(frame, 6, 17);
        os.card().next = {false, transport, 6};
        os.card().fills = false;
    }
    os.inject(frame);
    const auto f = os.take_ip();
    CHECK((f.payload.size() == 13) == heard);
    if (!heard) return;
    CHECK(udp_is_right(f));
    CHECK(octets(f.payload.begin() + 8, f.payload.end()) == octets_of("hello"));
    CHECK((os.card().sums.back() == uk::packet_sum::partial) == os.card().fills);
}

TEST_CASE("a partial checksum inside the payload is completed before the one around it is looked at") {
    host os;
    // A sum at octets 2 and 3 of the payload, over the rest of it; the outer one is that of the completed datagram.
    octets inner = raw({1, 2, 0, 0, 5, 6, 7});
    const auto from = transport + 8;
    octets whole = inner;
    uk::store_be(whole.data() + 2, net::checksum_of(whole));
    octets frame = udp_frame(7, uk::as_text(whole));
    frame[from + 2] = frame[from + 3] = std::byte{0};
    os.card().next = {false, from, 2};
    os.inject(frame);
    const auto f = os.take_ip();
    REQUIRE(f.payload.size() == 15);
    CHECK(octets(f.payload.begin() + 8, f.payload.end()) == whole);
}

TEST_CASE("what is quoted or echoed is what a wire would have brought") {
    host os;
    const octets whole = udp_frame(99, "nobody");
    const auto quoted = [](const sent_frame& f) { return octets(f.payload.begin() + 8, f.payload.end()); };
    SUBCASE("no socket") {
        os.card().next = {false, transport, 6};
        os.inject(left_partial(whole, 6, 17));
        const auto f = os.take_ip();
        REQUIRE(f.payload.size() == 8 + 20 + 14);
        CHECK(quoted(f) == octets(whole.begin() + 14, whole.end()));
    }
    SUBCASE("no such protocol") {
        const octets other = ip_frame(peer_ip, our_ip, 200, octets(30, std::byte{3}));
        octets frame = other;
        frame[transport + 4] = frame[transport + 5] = std::byte{0};
        os.card().next = {false, transport, 4};
        os.inject(frame);
        const auto f = os.take_ip();
        REQUIRE(f.payload.size() == 8 + 50);
        octets completed = frame;
        uk::store_be(completed.data() + transport + 4, net::checksum_of(uk::bytes(frame).subspan(transport)));
        CHECK(quoted(f) == octets(completed.begin() + 14, completed.end()));
    }
    SUBCASE("an echo") {
        const octets request = ip_frame(peer_ip, our_ip, 1, echo_request(raw({1, 2, 3, 4, 5})));
        octets frame = request;
        frame[transport + 2] = frame[transport + 3] = std::byte{0};
        os.card().next = {false, transport, 2};
        os.inject(frame);
        const auto f = os.take_ip();
        REQUIRE(f.payload.size() == 13);
        CHECK(net::checksum_of(f.payload) == 0);
        CHECK(os.card().sums.back() == uk::packet_sum::unknown);
    }
}

TEST_CASE("fragments are completed one by one, and the whole is looked at") {
    host os;
    const octets whole = udp_payload(peer_ip, 5000, our_ip, 7, octets(24, std::byte{9}));
    const auto fragment = [&](std::uint16_t bits, std::size_t begin, std::size_t end) {
        net::ipv4_header h;
        h.protocol = 17;
        h.source = peer_ip;
        h.destination = our_ip;
        h.id = 5;
        h.fragment = bits;
        return ethernet_frame(our_mac, peer_mac, 0x0800,
                              ip_datagram(h, octets(whole.begin() + static_cast<std::ptrdiff_t>(begin),
                                                    whole.begin() + static_cast<std::ptrdiff_t>(end))));
    };
    octets first = fragment(net::ipv4_header::more_fragments, 0, 16);
    octets second = fragment(2, 16, 32);
    bool heard = true;
    SUBCASE("right") {}
    SUBCASE("a card's word about one of them is none about the whole") {
        second[transport + 3] ^= std::byte{1};
        os.card().next.right = true;
        heard = false;
    }
    os.inject(first);
    os.inject(second);
    CHECK(os.silent() != heard);
}

TEST_CASE("a datagram that the card cuts has the length of all of it, and waits for no neighbour") {
    host os;
    CHECK(net::segment_pieces(os[uk::port::ip]) == 5);
    static constexpr std::byte text[4000]{};
    const auto packet = [&] {
        uk::outgoing out{os.store().take()};
        uk::begin_pieces(out.head, 1448).add(text, nullptr);
        out.head.push_front(20);
        CHECK(net::piece_octets(os[uk::port::ip], out) == 4000);
        net::leave_sum(out, 16, net::pseudo_header(our_ip, peer_ip, 6, 4020));
        CHECK(out.head.segment() == 1448);
        return out;
    };
    const auto free = os.store().available();
    CHECK(os[uk::port::ip].send(peer_ip, 6, packet()));
    CHECK(os.card().segment == 1448);
    const octets frame = os.take();
    CHECK(frame.size() == 14 + 40);
    CHECK(uk::load_be<std::uint16_t>(frame.data() + 16) == 20 + 20 + 4000);
    CHECK(net::checksum_of(uk::bytes(frame).subspan(14, 20)) == 0);

    const auto stranger = "10.0.0.77"_ip4;
    CHECK(!os[uk::port::ip].send(stranger, 6, packet()));
    os.inject(arp_frame(our_mac, {net::arp_operation::reply, peer_mac, stranger, our_mac, our_ip}));
    os.take();  // the request
    CHECK(os.silent());
    CHECK(os.store().available() == free);
    CHECK(os[uk::port::ip].send(stranger, 6, packet()));
    CHECK(!os.silent());
}
